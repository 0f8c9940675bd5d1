-- Gives the oldest pending delivery, or nothing. Few are under way, so it is one of the first.
for _, id in ipairs(call('ZRANGE', T .. ':i:p', 0, 255)) do
  local event, state = unpack(call('HMGET', T .. ':d:' .. id, 'v', 's'))
  if event and (state or 'p') == 'p' then return id end
end
return ''
