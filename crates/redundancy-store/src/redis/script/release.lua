-- ARGV: now, then pairs of a delivery and the token of its lease.
local now = ARGV[1]
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  local state, endpoint, held, doomed = unpack(call('HMGET', T .. ':d:' .. id, 's', 'e', 't', 'x'))
  local ends = call('ZSCORE', T .. ':leases', id)
  if state == 'f' and held == ARGV[i + 1] and ends and tonumber(ends) > tonumber(now) then
    call('ZREM', T .. ':leases', id)
    if doomed then
      cancel(id, endpoint, 'f', true, now)
    else
      call('HSET', T .. ':d:' .. id, 's', 'p', 'u', now, 'd', now, 't', '')
      call('HINCRBY', T .. ':c:' .. endpoint, 'f', -1)
      enqueue(endpoint, id, now)
    end
  end
end
tell()
return 1
