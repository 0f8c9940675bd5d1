-- KEYS: the tag of the registry. ARGV: job, revision, record, whether it is finished. Gives whether it was written.
local T, call = KEYS[1], redis.call
local id, revision = ARGV[1], tonumber(ARGV[2])
local known = call('HGET', T .. ':jobrevisions', id)
if revision == 0 and known then return 0 end
if revision > 0 and (not known or tonumber(known) + 1 ~= revision) then return 0 end
call('HSET', T .. ':jobs', id, ARGV[3])
call('HSET', T .. ':jobrevisions', id, ARGV[2])
if ARGV[4] == '1' then
  call('ZREM', T .. ':openjobs', id)
  call('ZADD', T .. ':donejobs', 0, id)
else
  call('ZADD', T .. ':openjobs', 0, id)
  call('ZREM', T .. ':donejobs', id)
end
return 1
