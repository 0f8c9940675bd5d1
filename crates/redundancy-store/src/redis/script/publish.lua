-- ARGV: version of the registry, then an event, then perhaps an analysis whose result it tells: its name, its record and
-- for how many milliseconds it is kept. Gives what `publish` gives, or {0, version} when the version is another one.
if not is_current(ARGV[1]) then return {0, call('GET', T .. ':regver') or '0'} end
local after, result = publish(2)
if ARGV[after] then call('SET', T .. ':a:' .. ARGV[after], ARGV[after + 1], 'PX', ARGV[after + 2]) end
tell()
return result
