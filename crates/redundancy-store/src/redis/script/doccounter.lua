-- KEYS: the counter of documents. ARGV: how many are wanted, the lowest that the counter may have been. Gives the last of them.
local last = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[2])) + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%d', last))
return last
