-- KEYS: the tag of the registry. ARGV: the version that is known, and a sign of life that is sent to all replicas, or nothing.
-- Gives the version, and the endpoints with their records if it is another one.
if ARGV[2] ~= '' then redis.call('PUBLISH', string.match(KEYS[1], '^[^{]*') .. 'wh:wake', ARGV[2]) end
local version = redis.call('GET', KEYS[1] .. ':version') or '0'
if version == ARGV[1] then return {version} end
return {version, redis.call('HGETALL', KEYS[1] .. ':endpoints')}
