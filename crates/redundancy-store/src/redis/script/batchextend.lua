-- KEYS: the tag of a partition. ARGV: batch, token, when its lease ends from now on. Gives whether it has it.
local T, call = KEYS[1], redis.call
local key = T .. ':b:' .. ARGV[1]
if call('HGET', key, 'l') ~= ARGV[2] then return 0 end
call('HSET', key, 'e', ARGV[3])
return 1
