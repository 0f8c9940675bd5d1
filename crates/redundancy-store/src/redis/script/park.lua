-- ARGV: pairs of an endpoint and until when its lane waits.
for i = 1, #ARGV, 2 do
  if call('ZSCORE', T .. ':lanes', ARGV[i]) then
    call('HSET', T .. ':parked', ARGV[i], ARGV[i + 1])
    call('ZADD', T .. ':lanes', ARGV[i + 1], ARGV[i])
  end
end
return 1
