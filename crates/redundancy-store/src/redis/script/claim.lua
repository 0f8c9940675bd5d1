-- ARGV: version of the registry when the lanes were looked at, now, when the leases end, their token, bytes of bodies after
-- which no more is handed out, then of each lane the endpoint and how many. Gives when there is next something to do, whether
-- something is left that is due, the deliveries, and their events (id, type, made at, body, request id, traceparent): nothing,
-- and that there is more at once, when endpoints have changed since.
local now, ends, token, room = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if not is_current(ARGV[1]) then return {tonumber(now), 1, {}, {}} end
local taken, events, seen = {}, {}, {}
for i = 6, #ARGV, 2 do
  local endpoint, took = ARGV[i], 0
  local lane = T .. ':lane:' .. endpoint
  for _, id in ipairs(call('ZRANGEBYSCORE', lane, '-inf', now, 'LIMIT', 0, ARGV[i + 1])) do
    if room <= 0 then break end
    call('ZREM', lane, id)
    local delivery = fields(id)
    local event = delivery[1]
    if event and not seen[event] then
      local read = call('HMGET', T .. ':e:' .. event, 't', 'c', 'b', 'r', 'p')
      if read[1] then
        seen[event] = read[1]
        room = room - #read[3]
        events[#events + 1] = {event, unpack(read, 1, 5)}
      end
    end
    if event and seen[event] then
      took = took + 1
      call('ZADD', T .. ':leases', ends, id)
      call('HSET', T .. ':d:' .. id, 's', 'f', 't', token, 'u', now)
      taken[#taken + 1] = {id, seen[event], unpack(delivery, 1, 9)}
    elseif event then
      -- Its event was lost: there is nothing to deliver.
      cancel(id, endpoint, 'p', false, now)
    end
  end
  if took > 0 then call('HINCRBY', T .. ':c:' .. endpoint, 'f', took) end
  requeue_lane(endpoint, now)
end
local left = call('ZCOUNT', T .. ':lanes', '-inf', now)
return {next_turn(now), left, taken, events}
