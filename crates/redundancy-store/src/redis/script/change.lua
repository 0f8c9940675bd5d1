-- ARGV: version of the registry, delivery, change (p or c), the letters of the states in which it is changed, now, and whether
-- its endpoint exists. Gives {1, delivery}, {2, delivery} for a wrong state, as under way always is, {3} when it or what it
-- needs is not there, {0, version} when the version is another one.
local version, id, becomes, from, now, exists = unpack(ARGV, 1, 6)
local key = T .. ':d:' .. id
local delivery = fields(id)
local event, endpoint, state = delivery[1], delivery[2], delivery[3] or 'p'
if not event then return {3} end
if not is_current(version) then return {0, call('GET', T .. ':regver') or '0'} end
if exists == '0' or call('EXISTS', T .. ':e:' .. event) == 0 then return {3} end
if state == 'f' or not string.find(from, state, 1, true) then return {2, whole(id, delivery)} end
if state == 'p' then
  call('ZREM', T .. ':lane:' .. endpoint, id)
  if call('EXISTS', T .. ':lane:' .. endpoint) == 0 then
    call('ZREM', T .. ':lanes', endpoint)
    call('HDEL', T .. ':parked', endpoint)
  end
end
call('ZREM', T .. ':i:' .. state, id)
if state == 'x' then call('HINCRBY', old_counts(endpoint), 'x', -1) end
call('ZADD', T .. ':i:' .. becomes, '0', id)
if becomes == 'p' then
  call('HDEL', key, 'x')
  call('HSET', key, 's', 'p', 'u', now, 'd', now, 'n', 0)
  enqueue(endpoint, id, now)
  tell()
else
  call('HSET', key, 's', 'c', 'u', now, 'd', '', 't', '')
end
return {1, whole(id, fields(id))}
