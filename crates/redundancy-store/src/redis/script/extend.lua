-- ARGV: now, until, then pairs of a delivery and the token of its lease.
for i = 3, #ARGV, 2 do
  local ends = call('ZSCORE', T .. ':leases', ARGV[i])
  if ends and tonumber(ends) > tonumber(ARGV[1]) and call('HGET', T .. ':d:' .. ARGV[i], 't') == ARGV[i + 1] then
    call('ZADD', T .. ':leases', 'GT', ARGV[2], ARGV[i])
  end
end
return 1
