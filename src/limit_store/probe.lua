-- Fails where one of the other scripts would: a replica takes no writes, a full server has no room, a user may lack a right.
redis.call('SET', KEYS[1], redis.call('TIME')[1], 'PX', 1000)
redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return {}
