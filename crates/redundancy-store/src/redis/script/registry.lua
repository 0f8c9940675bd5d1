-- KEYS: the tag of the registry. ARGV: what is done (create, replace, delete or nothing), an endpoint, its record, the revision
-- that it has so far, the lowest version that the registry shall have.
--   :endpoints, :revisions  hashes by endpoint
--   :version                grows with each change, also when everything was lost in between: it follows the server's clock
-- Gives 1 and the version, or 0 when the endpoint is there already, was changed meanwhile, or is not there.
local T, call = KEYS[1], redis.call
local what, id = ARGV[1], ARGV[2]
local revision = call('HGET', T .. ':revisions', id)
if what == 'create' then
  if revision then return {0, 0} end
elseif what ~= '' then
  if not revision then return {0, 0} end
  if what == 'replace' then
    if tonumber(revision) ~= tonumber(ARGV[4]) then return {0, 0} end
    -- Another one that was registered under the same id is not replaced.
    local known = call('HGET', T .. ':endpoints', id)
    if not known or cjson.decode(known).created_at ~= cjson.decode(ARGV[3]).created_at then return {0, 0} end
  end
end
if what == 'delete' then
  call('HDEL', T .. ':endpoints', id)
  call('HDEL', T .. ':revisions', id)
elseif what ~= '' then
  call('HSET', T .. ':endpoints', id, ARGV[3])
  call('HSET', T .. ':revisions', id, what == 'create' and ARGV[4] or ARGV[4] + 1)
end
local time = call('TIME')
local version = math.max(tonumber(call('GET', T .. ':version') or '0') + 1, time[1] * 1000000 + time[2], tonumber(ARGV[5]))
version = string.format('%.0f', version)
call('SET', T .. ':version', version)
call('PUBLISH', string.match(T, '^[^{]*') .. 'wh:wake', T)
return {1, version}
