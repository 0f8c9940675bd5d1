-- ARGV: collection, how many documents of a key at most, keys, 5 bytes each. Gives how many documents the collection has here,
-- and of each key that some have: its place, from 0, and the counters of the first of them.
local most, keys = tonumber(ARGV[2]), ARGV[3]
local found = {tonumber(call('HGET', T .. ':sizes', ARGV[1]) or 0)}
if found[1] == 0 then return found end
open_postings()
for at = 1, #keys, 5 do
  local key = string.sub(keys, at, at + 4)
  local counters = call('HGET', place(key), key)
  if counters then
    if counters == '' then counters = first_of(MANY .. key, 0, most) end
    found[#found + 1] = (at - 1) / 5
    found[#found + 1] = counters
  end
end
return found
