-- KEYS: the tag of a partition. ARGV: batch. Deletes its items unless it was accepted.
local T, call = KEYS[1], redis.call
if call('EXISTS', T .. ':b:' .. ARGV[1]) == 1 then return 0 end
return call('UNLINK', T .. ':bi:' .. ARGV[1])
