-- ARGV: version of the registry, now, delivery, token, what becomes of it (s, p or x), when it is due again, the record of the
-- attempt, its number, status, failure, bucket of its duration if it succeeded, a number that no other call has, number of events
-- that follow, and these.
-- Gives 1 when the attempt was taken, 0 when it was not, -1 when events follow and the version is another one.
local version, now, id, token, becomes, due, attempt = unpack(ARGV, 1, 7)
local number, status, failure, bucket, this, follow = unpack(ARGV, 8, 13)
follow = tonumber(follow)
if follow > 0 and not is_current(version) then return -1 end
local key = T .. ':d:' .. id
local state, endpoint, held, settled, doomed, spent = unpack(call('HMGET', key, 's', 'e', 't', 'q', 'x', 'n'))
if not state then return 0 end
-- This very call came before, and its answer was lost.
if settled == this then return 1 end
local ends = call('ZSCORE', T .. ':leases', id)
local holds = state == 'f' and held == token and ends and tonumber(ends) > tonumber(now)
if not holds and not (becomes == 's' and (state == 'f' or state == 'p')) then return 0 end
if doomed and becomes ~= 's' then becomes, follow = 'c', 0 end
call('RPUSH', T .. ':a:' .. id, attempt)
if becomes ~= 'p' then due = '' end
call('HSET', key, 's', becomes, 'u', now, 'd', due, 'a', number, 'n', spent + 1, 't', '', 'q', this, 'h', status, 'f', failure)
call('ZREM', T .. ':leases', id)
local count = counts(endpoint, doomed)
if state == 'f' then call('HINCRBY', count, 'f', -1) end
if tonumber(number) > 1 then call('HINCRBY', count, 'R', 1) end
if bucket ~= '' then call('HINCRBY', count, 'l' .. bucket, 1) end
if state == 'p' then
  call('ZREM', T .. ':lane:' .. endpoint, id)
  if call('EXISTS', T .. ':lane:' .. endpoint) == 0 then call('ZREM', T .. ':lanes', endpoint) end
end
if becomes == 'p' then
  enqueue(endpoint, id, due)
else
  call('ZREM', T .. ':i:p', id)
  call('ZADD', T .. ':i:' .. becomes, 0, id)
  if becomes == 'x' then
    call('HINCRBY', count, 'x', 1)
    call('HINCRBY', count, 'X', 1)
  end
end
local at = 14
for _ = 1, follow do at = publish(at) end
tell()
return 1
