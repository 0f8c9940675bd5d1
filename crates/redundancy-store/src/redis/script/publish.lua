-- ARGV: version of the registry, then an event. Gives what `publish` gives, or {0, version} when the version is another one.
if not is_current(ARGV[1]) then return {0, call('GET', T .. ':regver') or '0'} end
local _, result = publish(2)
tell()
return result
