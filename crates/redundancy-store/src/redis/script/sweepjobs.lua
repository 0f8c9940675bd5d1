-- KEYS: the tag of the registry. ARGV: the lowest id that is kept, how many at most. Deletes finished jobs; gives how many.
local T, call = KEYS[1], redis.call
local ids = call('ZRANGEBYLEX', T .. ':donejobs', '-', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  call('HDEL', T .. ':jobs', id)
  call('HDEL', T .. ':jobrevisions', id)
  call('ZREM', T .. ':donejobs', id)
end
return #ids
