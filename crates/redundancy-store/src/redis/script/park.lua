-- ARGV: version of the registry when the lanes were looked at, then pairs of an endpoint and until when its lane waits.
-- Gives 0 when endpoints have changed since: one of these may have been let go.
if not is_current(ARGV[1]) then return 0 end
for i = 2, #ARGV, 2 do
  if call('ZSCORE', T .. ':lanes', ARGV[i]) then
    call('HSET', T .. ':parked', ARGV[i], ARGV[i + 1])
    call('ZADD', T .. ':lanes', ARGV[i + 1], ARGV[i])
  end
end
return 1
