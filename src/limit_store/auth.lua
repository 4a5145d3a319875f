-- Failed logins, as src/limit/auth.rs counts them: each is 1000 thousandths, and the oldest is forgotten first.
--
-- KEYS: an entry for each zone. An entry is the time up to which failures are forgotten, its records from the oldest to the newest
-- {login and address, login and password, thousandths, mark}, and the attempts that are being decided {attempt, end of its time}.
-- Marks: f failures, w a password that has failed, r a password that was accepted.
-- ARGV: operation, attempt, login and address, time of an attempt (ms), time of an accepted password (ms); then for each zone: rate
-- (failures, in seconds), the most thousandths, login and password (empty where passwords are not told apart).
-- Returns for each zone, after a check: 0 passed, 1 busy, 2 over the limit; the time until the limit (ms).
local ONE, MOST, LONGEST = 1000, 128, 315360000000
local operation, attempt, who = ARGV[1], ARGV[2], ARGV[3]
local decided_in, remembered = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function counted(entry)
  local sum = 0
  for _, record in ipairs(entry.records) do sum = sum + record[3] end
  return sum
end

local function take(entry, is_it)
  for at, record in ipairs(entry.records) do
    if is_it(record) then return table.remove(entry.records, at) end
  end
end

local function forget(entry)
  local count = counted(entry)
  local elapsed = math.max(now - entry.settled, 0)
  local gone = math.min(math.floor(entry.number * elapsed / entry.seconds), count)
  if gone == count then
    entry.settled = now
  else
    entry.settled = math.min(entry.settled + math.ceil(gone * entry.seconds / entry.number), now)
  end
  local kept = {}
  for _, record in ipairs(entry.records) do
    local less = math.min(record[3], gone)
    record[3], gone = record[3] - less, gone - less
    if record[3] > 0 or record[4] ~= 'f' then kept[#kept + 1] = record end
  end
  entry.records = kept
end

local function load(index)
  local at = 5 + (index - 1) * 4
  local packed = redis.call('GET', KEYS[index])
  local stored = packed and cmsgpack.unpack(packed) or {now, {}, {}}
  local entry = {
    key = KEYS[index],
    number = tonumber(ARGV[at + 1]), seconds = tonumber(ARGV[at + 2]), most = tonumber(ARGV[at + 3]), what = ARGV[at + 4],
    settled = stored[1], records = stored[2], pending = {},
  }
  for _, pending in ipairs(stored[3]) do
    if pending[2] > now and pending[1] ~= attempt then entry.pending[#entry.pending + 1] = pending end
  end
  forget(entry)
  return entry
end

local function save(entry)
  local left = math.ceil(counted(entry) * entry.seconds / entry.number)
  if #entry.pending > 0 then left = math.max(left, decided_in) end
  for _, record in ipairs(entry.records) do
    if record[4] == 'r' then left = math.max(left, remembered) end
  end
  if left <= 0 then
    redis.call('DEL', entry.key)
  else
    local packed = cmsgpack.pack({entry.settled, entry.records, entry.pending})
    redis.call('SET', entry.key, packed, 'PX', string.format('%.0f', math.min(left, LONGEST)))
  end
end

-- If there are too many records, one that does not count leaves, or the two oldest become one.
local function push(entry, record)
  if #entry.records >= MOST and not take(entry, function(one) return one[3] == 0 end) then
    local oldest = table.remove(entry.records, 1)
    entry.records[1] = {'', '', entry.records[1][3] + oldest[3], 'f'}
  end
  entry.records[#entry.records + 1] = record
end

local function check(entry)
  local known
  for _, record in ipairs(entry.records) do
    if entry.what ~= '' and record[2] == entry.what then known = record[4] end
  end
  local count = counted(entry) + ONE
  if known == 'r' then return 0, 0, false end
  if count > entry.most then return 2, math.ceil((count - entry.most) * entry.seconds / entry.number), false end
  if known == 'w' then return 0, 0, false end
  if count + #entry.pending * ONE > entry.most then return 1, 0, false end
  return 0, 0, true
end

local function fail(entry)
  local before
  if entry.what == '' then
    before = take(entry, function(one) return one[4] == 'f' and one[1] == who end)
    push(entry, {who, '', (before and before[3] or 0) + ONE, 'f'})
  else
    before = take(entry, function(one) return one[2] == entry.what end)
    push(entry, {who, entry.what, before and before[4] == 'w' and before[3] or ONE, 'w'})
  end
end

local function accept(entry)
  local kept = {}
  for _, record in ipairs(entry.records) do
    local is_own = record[1] == who and record[4] ~= 'r'
    if not is_own and (entry.what == '' or record[2] ~= entry.what) then kept[#kept + 1] = record end
  end
  entry.records = kept
  if entry.what ~= '' then push(entry, {who, entry.what, 0, 'r'}) end
end

local entries, answer = {}, {}
for index = 1, #KEYS do entries[index] = load(index) end
if operation == 'check' or operation == 'dry' then
  local may_try, pending = true, {}
  for index, entry in ipairs(entries) do
    local standing, wait, is_pending = check(entry)
    may_try = may_try and standing == 0
    if is_pending then pending[#pending + 1] = entry end
    answer[2 * index - 1], answer[2 * index] = standing, wait
  end
  if may_try or operation == 'dry' then
    for _, entry in ipairs(pending) do
      entry.pending[#entry.pending + 1] = {attempt, now + decided_in}
      save(entry)
    end
  end
else
  for _, entry in ipairs(entries) do
    if operation == 'failed' then fail(entry) elseif operation == 'succeeded' then accept(entry) end
    save(entry)
  end
end
return answer
