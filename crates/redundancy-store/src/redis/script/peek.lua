-- ARGV: now, lanes at most, deliveries of a lane that are looked at. Puts back what was under a lease that is over.
-- Gives when there is next something to do, whether there are more lanes, by which version of the registry events are accepted,
-- and of each lane whose turn it is the endpoint, since when, how many deliveries are due, and since when the first of them are.
local now, most = ARGV[1], tonumber(ARGV[2])
for _, id in ipairs(call('ZRANGEBYSCORE', T .. ':leases', '-inf', now, 'LIMIT', 0, 200)) do
  call('ZREM', T .. ':leases', id)
  local endpoint, due, state, doomed = unpack(call('HMGET', T .. ':d:' .. id, 'e', 'd', 's', 'x'))
  if state == 'f' and doomed then
    cancel(id, endpoint, 'f', true, now)
  elseif state == 'f' then
    call('HSET', T .. ':d:' .. id, 's', 'p', 'u', now, 't', '')
    call('HINCRBY', T .. ':c:' .. endpoint, 'f', -1)
    enqueue(endpoint, id, due or made_at(id))
  end
end
local lanes = call('ZRANGEBYSCORE', T .. ':lanes', '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
local parked = #lanes > 0 and call('EXISTS', T .. ':parked') == 1
local found = {}
for i = 1, #lanes, 2 do
  local endpoint = lanes[i]
  if parked then call('HDEL', T .. ':parked', endpoint) end
  local due = call('ZCOUNT', T .. ':lane:' .. endpoint, '-inf', now)
  if due > 0 then
    found[#found + 1] = endpoint
    found[#found + 1] = tonumber(lanes[i + 1])
    found[#found + 1] = due
    local first, dues = call('ZRANGEBYSCORE', T .. ':lane:' .. endpoint, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[3]), {}
    for j = 2, #first, 2 do dues[#dues + 1] = tonumber(first[j]) end
    found[#found + 1] = dues
  else
    requeue_lane(endpoint, now)
  end
end
return {next_turn(now), #lanes == 2 * most and 1 or 0, call('GET', T .. ':regver') or '0', found}
