-- KEYS: the tag of access. ARGV: what it is (key or audit), its id, its record, its tenant or nothing.
--   :key, :audit                    hashes of records by id
--   :key:ids, :audit:ids            sorted sets of ids, all with score 0: they sort by their letters
--   :key:of:<tenant>, :audit:of:..  the same, of one tenant
local T, call = KEYS[1] .. ':' .. ARGV[1], redis.call
-- An entry of the log is never replaced.
if ARGV[1] == 'audit' and call('HEXISTS', T, ARGV[2]) == 1 then return 0 end
call('HSET', T, ARGV[2], ARGV[3])
call('ZADD', T .. ':ids', 0, ARGV[2])
if ARGV[4] ~= '' then call('ZADD', T .. ':of:' .. ARGV[4], 0, ARGV[2]) end
return 1
