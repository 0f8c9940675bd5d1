-- KEYS: the tag of a partition. ARGV: the lowest id that is kept, how many at most. Deletes batches that have ended. Gives how many.
local T, call = KEYS[1], redis.call
local deleted, most = 0, tonumber(ARGV[2])
for _, id in ipairs(call('ZRANGEBYLEX', T .. ':ba', '-', '(' .. ARGV[1])) do
  if deleted >= most then return deleted end
  local state = call('HGET', T .. ':b:' .. id, 's')
  if state ~= 'queued' and state ~= 'running' then
    call('UNLINK', T .. ':b:' .. id, T .. ':bi:' .. id, T .. ':br:' .. id)
    call('ZREM', T .. ':ba', id)
    deleted = deleted + 1
  end
end
return deleted
