-- ARGV: the highest id that is wanted as a bound of a range, the lowest, items at most, ids that are looked at at most, then the
-- wanted endpoint, event, type and letters of states, each nothing for any. Gives the id that was looked at last or nothing at
-- the end, and the deliveries.
local most, steps = tonumber(ARGV[3]), tonumber(ARGV[4])
local endpoint, event, kind, states = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local ids
if states == 'f' then
  -- Few are under way, and they are not sorted by id.
  ids = {}
  local top, bottom = ARGV[1], ARGV[2]
  for _, id in ipairs(call('ZRANGE', T .. ':leases', 0, -1)) do
    local low = top == '+' or (string.sub(top, 1, 1) == '(' and id < string.sub(top, 2))
    if low and (bottom == '-' or (bottom ~= '+' and id >= string.sub(bottom, 2))) then ids[#ids + 1] = id end
  end
  table.sort(ids, function(a, b) return a > b end)
  steps = #ids + 1
else
  -- The shortest of the lists that hold everything that is wanted, or the lists of all states together.
  local of_endpoint, of_state = T .. ':i:e:' .. endpoint, T .. ':i:' .. states
  if endpoint ~= '' and (states == '' or call('ZCARD', of_endpoint) < call('ZCARD', of_state)) then
    ids = call('ZREVRANGEBYLEX', of_endpoint, ARGV[1], ARGV[2], 'LIMIT', 0, steps)
  elseif states ~= '' then
    ids = call('ZREVRANGEBYLEX', of_state, ARGV[1], ARGV[2], 'LIMIT', 0, steps)
  else
    ids = {}
    -- Each gives as many as are looked at, so none of those that are newest is missing.
    for _, state in ipairs({'p', 's', 'x', 'c'}) do
      for _, id in ipairs(call('ZREVRANGEBYLEX', T .. ':i:' .. state, ARGV[1], ARGV[2], 'LIMIT', 0, steps)) do
        ids[#ids + 1] = id
      end
    end
    table.sort(ids, function(a, b) return a > b end)
    for at = #ids, steps + 1, -1 do ids[at] = nil end
  end
end
local found, last = {}, ''
for _, id in ipairs(ids) do
  last = id
  local delivery = fields(id)
  if delivery[1] and (endpoint == '' or delivery[2] == endpoint) and (event == '' or delivery[1] == event)
    and (states == '' or (delivery[3] or 'p') == states) then
    local one = whole(id, delivery)
    if kind == '' or one[2] == kind then found[#found + 1] = one end
    if #found == most then return {last, found} end
  end
end
if #ids < steps then last = '' end
return {last, found}
