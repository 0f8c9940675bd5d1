-- ARGV: an endpoint that was deleted, now, deliveries at most, the version of the registry without it. Cancels what
-- is pending for it. Gives how many deliveries were cancelled, and whether something may be left; {-1, 0} when the
-- partition knows another version.
local endpoint, now, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not is_current(ARGV[4]) then return {-1, 0} end
local lane = T .. ':lane:' .. endpoint
local ids = call('ZRANGE', lane, 0, most - 1)
for _, id in ipairs(ids) do
  call('ZREM', lane, id)
  call('HSET', T .. ':d:' .. id, 's', 'c', 'u', now, 'd', '')
  call('ZREM', T .. ':i:p', id)
  call('ZADD', T .. ':i:c', '0', id)
end
if #ids == most then return {#ids, 1} end
call('ZREM', T .. ':lanes', endpoint)
call('HDEL', T .. ':parked', endpoint)
-- What is under way is cancelled when its attempt fails or its lease ends.
for _, id in ipairs(call('ZRANGE', T .. ':leases', 0, -1)) do
  if call('HGET', T .. ':d:' .. id, 'e') == endpoint then call('HSET', T .. ':d:' .. id, 'x', 1) end
end
-- Its counts go on in those of all deleted ones.
local counted = call('HGETALL', T .. ':c:' .. endpoint)
for i = 1, #counted, 2 do call('HINCRBY', T .. ':c', counted[i], counted[i + 1]) end
call('DEL', T .. ':c:' .. endpoint)
return {#ids, 0}
