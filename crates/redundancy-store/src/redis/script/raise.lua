-- ARGV: version of the registry, an endpoint whose lane is parked no more or nothing, the time. From now on events are
-- accepted by this version or a later one.
if tonumber(ARGV[1]) > tonumber(call('GET', T .. ':regver') or '0') then call('SET', T .. ':regver', ARGV[1]) end
if ARGV[2] ~= '' and call('HDEL', T .. ':parked', ARGV[2]) == 1 then
  requeue_lane(ARGV[2], ARGV[3])
  woken = true
  tell()
end
return 1
