-- ARGV: version of the registry, event, endpoint, delivery, now. Gives {1} when it was made, {2} when there is one or the event is
-- not there, {0, version} when the version is another one.
local version, event, endpoint, id, now = unpack(ARGV, 1, 5)
if call('EXISTS', T .. ':e:' .. event) == 0 or call('EXISTS', T .. ':d:' .. id) == 1 then return {2} end
if not is_current(version) then return {0, call('GET', T .. ':regver') or '0'} end
if call('HINCRBY', T .. ':e:' .. event, 'n', 1) == 1 then call('ZREM', T .. ':ev0', event) end
deliver(event, endpoint, id, now)
tell()
return {1}
