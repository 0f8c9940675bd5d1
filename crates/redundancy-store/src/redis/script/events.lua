-- ARGV: the highest id that is wanted as a bound of a range, the lowest, how many at most. Gives ids and types.
local found = {}
for _, id in ipairs(call('ZREVRANGEBYLEX', T .. ':ev', ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  found[#found + 1] = id
  found[#found + 1] = call('HGET', T .. ':e:' .. id, 't') or ''
end
return found
