-- KEYS: the tag of a partition. ARGV: batch, how many items it has, for how many milliseconds they are kept unless it is accepted,
-- items. Gives whether they are there now, behind the others.
local T, call = KEYS[1], redis.call
local key, first = T .. ':bi:' .. ARGV[1], tonumber(ARGV[2])
if call('EXISTS', T .. ':b:' .. ARGV[1]) == 1 then return 0 end
local known = call('LLEN', key)
-- This very call came before, and its answer was lost.
if known == first + #ARGV - 3 then return 1 end
if known ~= first then return 0 end
for at = 4, #ARGV do call('RPUSH', key, ARGV[at]) end
call('PEXPIRE', key, ARGV[3])
return 1
