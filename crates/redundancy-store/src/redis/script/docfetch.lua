-- ARGV: whether with their traces, then counters, 4 bytes each. Gives of each document the id and itself as far as it is
-- wanted; two times nothing when it is gone.
local with_trace, counters, found = ARGV[1] == '1', ARGV[2], {}
for at = 1, #counters, 4 do
  local counter = string.sub(counters, at, at + 3)
  local id = call('HGET', ids_of(number(counter)), string.format('%d', number(counter))) or ''
  found[#found + 1] = id
  found[#found + 1] = id ~= '' and part(id, with_trace) or ''
end
return found
