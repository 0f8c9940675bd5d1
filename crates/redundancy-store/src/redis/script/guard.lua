-- KEYS: the guard of an endpoint. ARGV: what it is believed to be, and what it shall be. Gives nothing when it was that, else
-- what it is.
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then return current end
if ARGV[2] ~= current then redis.call('SET', KEYS[1], ARGV[2]) end
return false
