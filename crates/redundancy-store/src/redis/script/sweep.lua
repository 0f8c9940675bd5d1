-- ARGV: the lowest id that is kept, now, how many at most. Deletes finished deliveries with their attempts and their events, events
-- without deliveries, and idempotency keys that have expired. Gives how many.
local before, now, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local deleted = 0
for _, state in ipairs({'s', 'x', 'c'}) do
  if deleted >= most then return deleted end
  for _, id in ipairs(call('ZRANGEBYLEX', T .. ':i:' .. state, '-', '(' .. before, 'LIMIT', 0, most - deleted)) do
    local event, endpoint = unpack(call('HMGET', T .. ':d:' .. id, 'v', 'e'))
    call('DEL', T .. ':d:' .. id, T .. ':a:' .. id)
    call('ZREM', T .. ':i:' .. state, id)
    deleted = deleted + 1
    if event then
      call('ZREM', T .. ':i:e:' .. endpoint, id)
      if state == 'x' then call('HINCRBY', old_counts(endpoint), 'x', -1) end
      if call('EXISTS', T .. ':e:' .. event) == 1 and call('HINCRBY', T .. ':e:' .. event, 'n', -1) <= 0 then
        call('DEL', T .. ':e:' .. event)
        call('ZREM', T .. ':ev', event)
        deleted = deleted + 1
      end
    end
  end
end
if deleted >= most then return deleted end
for _, id in ipairs(call('ZRANGEBYLEX', T .. ':ev0', '-', '(' .. before, 'LIMIT', 0, most - deleted)) do
  call('DEL', T .. ':e:' .. id)
  call('ZREM', T .. ':ev', id)
  call('ZREM', T .. ':ev0', id)
  deleted = deleted + 1
end
if deleted >= most then return deleted end
for _, key in ipairs(call('ZRANGEBYSCORE', T .. ':ks', '-inf', now, 'LIMIT', 0, most - deleted)) do
  local expires = call('HGET', T .. ':k:' .. key, 'x')
  if not expires or tonumber(expires) <= tonumber(now) then call('DEL', T .. ':k:' .. key) end
  call('ZREM', T .. ':ks', key)
  deleted = deleted + 1
end
return deleted
