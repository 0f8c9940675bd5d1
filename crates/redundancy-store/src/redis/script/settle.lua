-- ARGV: version of the registry, then of each settlement: now, delivery, token, what becomes of it (s, p or x), when it is due
-- again, the record of the attempt, its number, status, failure, bucket of its duration if it succeeded, a number that no
-- other call has, number of events that follow, and these.
-- Gives for each 1 when it was taken, 2 when it was and its endpoint was deleted meanwhile, 0 when it was not, 3 when it was not
-- and its endpoint was deleted, -1 when events follow and the version is another one.
local version, taken, sums = ARGV[1], {}, {}

local function count(key, field, by)
  local sum = sums[key]
  if not sum then
    sum = {}
    sums[key] = sum
  end
  sum[field] = (sum[field] or 0) + by
end

-- Takes the settlement at ARGV[i]; gives the place behind it, and whether it was taken.
local function settle(i)
  local now, id, token, becomes, due, attempt = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local number, status, failure, bucket, this = ARGV[i + 6], ARGV[i + 7], ARGV[i + 8], ARGV[i + 9], 'q' .. ARGV[i + 10]
  local follow, at = tonumber(ARGV[i + 11]), i + 12
  local behind = at
  for _ = 1, follow do behind = behind + 11 + 2 * tonumber(ARGV[behind + 10]) end
  if follow > 0 and not is_current(version) then return behind, -1 end
  local key = T .. ':d:' .. id
  local state, endpoint, held, doomed, attempts, spent = unpack(call('HMGET', key, 's', 'e', 't', 'x', 'a', 'n'))
  if not endpoint then return behind, 0 end
  state = state or 'p'
  -- This very call came before, and its answer was lost.
  if held == this then return behind, doomed and 2 or 1 end
  local ends = call('ZSCORE', T .. ':leases', id)
  local holds = state == 'f' and held == token and ends and tonumber(ends) > tonumber(now)
  if not holds and not (becomes == 's' and (state == 'f' or state == 'p')) then return behind, doomed and 3 or 0 end
  if doomed and becomes ~= 's' then becomes = 'c' end
  call('RPUSH', T .. ':a:' .. id, attempt)
  call('HSET', key, 's', becomes, 'u', now, 'd', due, 'a', (attempts or 0) + 1, 'n', (spent or 0) + 1, 't', this,
    'h', status, 'f', failure)
  if ends then call('ZREM', T .. ':leases', id) end
  local counted = counts(endpoint, doomed)
  if state == 'f' then count(counted, 'f', -1) end
  if tonumber(number) > 1 then count(counted, 'R', 1) end
  if bucket ~= '' then count(counted, 'l' .. bucket, 1) end
  if state == 'p' then
    call('ZREM', T .. ':lane:' .. endpoint, id)
    if call('EXISTS', T .. ':lane:' .. endpoint) == 0 then
      call('ZREM', T .. ':lanes', endpoint)
      call('HDEL', T .. ':parked', endpoint)
    end
  end
  if becomes == 'p' then
    enqueue(endpoint, id, due)
  else
    call('ZREM', T .. ':i:p', id)
    call('ZADD', T .. ':i:' .. becomes, '0', id)
  end
  if becomes == 'x' then
    count(counted, 'x', 1)
    count(counted, 'X', 1)
  end
  for _ = 1, follow do at = publish(at) end
  return behind, doomed and 2 or 1
end

local at = 2
while at <= #ARGV do
  at, taken[#taken + 1] = settle(at)
end
for key, sum in pairs(sums) do
  for field, by in pairs(sum) do call('HINCRBY', key, field, by) end
end
tell()
return taken
