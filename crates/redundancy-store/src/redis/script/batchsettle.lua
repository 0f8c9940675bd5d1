-- ARGV: version of the registry, batch, token, number of the first item, how many failed, now, how it ends or nothing, error, a number
-- that no other call has, whether an event follows, how many results, these, the event.
-- Gives {1} when it was taken, {2} when it was not, {0, version} when an event follows and the version is another one.
local id, token, first, failed, now, ending, fault, this = unpack(ARGV, 2, 9)
local follows, n = ARGV[10] == '1', tonumber(ARGV[11])
if follows and not is_current(ARGV[1]) then return {0, call('GET', T .. ':regver') or '0'} end
local key, items = T .. ':b:' .. id, T .. ':bi:' .. id
local state, held, done, before, last = unpack(call('HMGET', key, 's', 'l', 'n', 'f', 'k'))
-- This very call came before, and its answer was lost.
if last == this then return {1} end
if state ~= 'running' or held ~= token or done ~= first then return {2} end
for at = 12, 11 + n do call('RPUSH', T .. ':br:' .. id, ARGV[at]) end
if n > 0 then call('LTRIM', items, n, -1) end
call('HSET', key, 'n', tonumber(done) + n, 'f', tonumber(before) + tonumber(failed), 'l', '', 'e', '', 'k', this)
if ending == '' then
  call('ZADD', T .. ':bo', now, id)
  return {1}
end
call('HSET', key, 's', ending, 'z', now, 'r', fault)
call('ZREM', T .. ':bo', id)
call('UNLINK', items)
if follows then
  publish(12 + n)
  tell()
end
return {1}
