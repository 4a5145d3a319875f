-- New sessions, by the arithmetic of src/limit/session.rs: a session counts in all zones or in none.
--
-- KEYS: an entry for each zone, which is the excess in thousandths and the time of the last session (ms).
-- ARGV: for each zone: rate (thousandths per second), the excess above which sessions are refused (thousandths).
-- Returns the number of the zone that refuses the session, from 1, or 0; then the excess in it, or in each zone.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entries, answer = {}, {0}
for index, key in ipairs(KEYS) do
  local rate, burst = math.max(tonumber(ARGV[2 * index - 1]), 1), tonumber(ARGV[2 * index])
  local stored = redis.call('GET', key)
  local excess, last = 0, now
  if stored then
    excess, last = unpack(cmsgpack.unpack(stored))
    local elapsed = math.max(now - last, 0)
    excess = math.max(excess - math.floor(rate * elapsed / 1000) + 1000, 0)
    if elapsed > 0 then last = now end
  end
  if excess > burst then return {index, excess} end
  entries[index] = {key, excess, last, rate}
  answer[index + 1] = excess
end
for _, entry in ipairs(entries) do
  -- From then on the next session is the first one.
  local left = math.ceil((entry[2] + 1000) * 1000 / entry[4])
  redis.call('SET', entry[1], cmsgpack.pack({entry[2], entry[3]}), 'PX', string.format('%.0f', left))
end
return answer
