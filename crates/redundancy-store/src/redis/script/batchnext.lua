-- KEYS: the tag of a partition. ARGV: now. Gives when the batch that comes next last had its turn, or nothing.
local T, call = KEYS[1], redis.call
local open = call('ZRANGE', T .. ':bo', 0, -1, 'WITHSCORES')
for at = 1, #open, 2 do
  local ends = call('HGET', T .. ':b:' .. open[at], 'e')
  if not ends or ends == '' or tonumber(ends) <= tonumber(ARGV[1]) then return {open[at + 1], open[at]} end
end
return {}
