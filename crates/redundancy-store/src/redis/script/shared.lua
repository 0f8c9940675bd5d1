-- What the scripts of a partition share; it stands in front of each of them.
-- KEYS[1] is the partition's tag, {wh:0} and so on, behind the name of the tenant if there is one. Every other key begins with it and so lies in the same slot.
--   :regver           the version of the registry of endpoints by which events are accepted
--   :e:<event>        a hash: t type, c made at, b body, r request id, p traceparent, n deliveries
--   :d:<delivery>     a hash: v event, e endpoint, s state, u updated at, d due at, a attempts, n spent, h last status,
--                     f last failure, t token of the lease, or q and the last call that settled it, x doomed. A new one
--                     has an event and an endpoint, and of the rest only what differs: pending, no attempts, both times those
--                     of its id
--   :a:<delivery>     a list of the records of its attempts
--   :lane:<endpoint>  a sorted set: pending deliveries by when they are due
--   :lanes            a sorted set: endpoints by when their lane has its turn
--   :parked           a hash: endpoints whose lane waits although something is due, and until when
--   :leases           a sorted set: deliveries under way by when their lease ends
--   :i:…              sorted sets of delivery ids: e:<endpoint>, and by state p (pending or under way), s, x, c
--   :ev, :ev0         sorted sets of event ids: all, and those without deliveries
--   :c:<endpoint>     a hash of counts: f under way, x dead letters, X given up, R retried, l<bucket> delivered in that time.
--                     What is pending is as many as are in the lane
--   :c                the same for endpoints that were deleted
--   :k:<digest>, :ks  idempotency keys, and a sorted set of them by when they expire
-- What there is of documents, documents.lua tells.
-- Fields that are empty count as missing. States are p pending, f under way, s succeeded, x exhausted, c cancelled. Ids are 32 hexadecimal digits, so they sort by time.
local T = KEYS[1]
local call = redis.call
local woken = false

-- Tells all replicas once that there is something to claim.
local function tell()
  if woken then call('PUBLISH', string.match(T, '^[^{]*') .. 'wh:wake', T) end
end

-- Puts a pending delivery into its lane. Nobody is told when the lane had its turn already, or is parked.
local function enqueue(endpoint, id, due)
  call('ZADD', T .. ':lane:' .. endpoint, due, id)
  local turn = call('ZSCORE', T .. ':lanes', endpoint)
  if turn and tonumber(turn) <= tonumber(due) then return end
  if turn and call('HEXISTS', T .. ':parked', endpoint) == 1 then return end
  call('ZADD', T .. ':lanes', due, endpoint)
  woken = true
end

-- Sets when a lane has its turn by what is left in it: lanes that were served stand behind those that were not.
local function requeue_lane(endpoint, now)
  call('HDEL', T .. ':parked', endpoint)
  local first = call('ZRANGE', T .. ':lane:' .. endpoint, 0, 0, 'WITHSCORES')
  if first[1] then
    call('ZADD', T .. ':lanes', math.max(tonumber(first[2]), tonumber(now)), endpoint)
  else
    call('ZREM', T .. ':lanes', endpoint)
  end
end

-- Where a delivery is counted: with its endpoint, or with the deleted ones.
local function counts(endpoint, doomed)
  if doomed then return T .. ':c' end
  return T .. ':c:' .. endpoint
end

-- Where a delivery of old is counted: its endpoint may be gone meanwhile.
local function old_counts(endpoint)
  local key = T .. ':c:' .. endpoint
  if call('EXISTS', key) == 1 then return key end
  return T .. ':c'
end

-- When the event or delivery with this id was made.
local function made_at(id)
  return tonumber(string.sub(id, 1, 12), 16)
end

-- A new delivery, due at once.
local function deliver(event, endpoint, id, now)
  if made_at(id) == tonumber(now) then
    call('HSET', T .. ':d:' .. id, 'v', event, 'e', endpoint)
  else
    call('HSET', T .. ':d:' .. id, 'v', event, 'e', endpoint, 'u', now, 'd', now)
  end
  call('ZADD', T .. ':i:p', '0', id)
  call('ZADD', T .. ':i:e:' .. endpoint, '0', id)
  enqueue(endpoint, id, now)
end

-- A pending delivery, taken out of its lane, or one under way, its lease taken away, becomes cancelled.
local function cancel(id, endpoint, state, doomed, now)
  call('HSET', T .. ':d:' .. id, 's', 'c', 'u', now, 'd', '', 't', '')
  call('ZREM', T .. ':i:p', id)
  call('ZADD', T .. ':i:c', '0', id)
  if state == 'f' then call('HINCRBY', counts(endpoint, doomed), 'f', -1) end
end

-- Accepts the event whose arguments begin with ARGV[i]: id, type, made at, body, request id, traceparent, whether it is kept
-- without deliveries, digest of its idempotency key, fingerprint, when the key expires, how many deliveries, and of each the
-- endpoint and the id. Gives the place behind them, and {1, deliveries}, {2, event, deliveries} for a repeated one or {3} for
-- a key that was used for something else.
local function publish(i)
  local id, kind, made, body, request, trace = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local kept, key, print, expires = ARGV[i + 6], ARGV[i + 7], ARGV[i + 8], ARGV[i + 9]
  local n = tonumber(ARGV[i + 10])
  local behind = i + 11 + 2 * n
  if key ~= '' then
    local known = call('HMGET', T .. ':k:' .. key, 'p', 'e', 'n', 'x')
    if known[1] and tonumber(known[4]) > tonumber(made) then
      if known[1] ~= print then return behind, {3} end
      return behind, {2, known[2], tonumber(known[3])}
    end
  end
  if n == 0 and kept == '0' then return behind, {1, 0} end
  if key ~= '' then
    call('HSET', T .. ':k:' .. key, 'p', print, 'e', id, 'n', n, 'x', expires)
    call('PEXPIRE', T .. ':k:' .. key, math.max(tonumber(expires) - tonumber(made), 0) + 60000)
    call('ZADD', T .. ':ks', expires, key)
  end
  local event = T .. ':e:' .. id
  -- A request that was sent again because its answer was lost.
  if call('EXISTS', event) == 1 then return behind, {1, n} end
  call('HSET', event, 't', kind, 'c', made, 'b', body, 'n', n, 'r', request, 'p', trace)
  call('ZADD', T .. ':ev', '0', id)
  if n == 0 then call('ZADD', T .. ':ev0', '0', id) end
  for at = i + 11, behind - 1, 2 do
    deliver(id, ARGV[at], ARGV[at + 1], made)
  end
  return behind, {1, n}
end

-- Whether events are accepted by this version of the registry.
local function is_current(version)
  return (call('GET', T .. ':regver') or '0') == version
end

-- When there is next something to do here, after `now`: a lane has its turn, or a lease ends. -1 for never.
local function next_turn(now)
  local turn = call('ZRANGEBYSCORE', T .. ':lanes', '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local lease = call('ZRANGE', T .. ':leases', 0, 0, 'WITHSCORES')[2]
  if turn and lease then return math.min(tonumber(turn), tonumber(lease)) end
  return tonumber(turn or lease or -1)
end

-- A delivery without its type.
local function fields(id)
  return call('HMGET', T .. ':d:' .. id, 'v', 'e', 's', 'u', 'd', 'a', 'n', 'h', 'f')
end

-- A delivery as it is given: id, type, and its fields.
local function whole(id, delivery)
  return {id, call('HGET', T .. ':e:' .. delivery[1], 't') or 'unknown', unpack(delivery, 1, 9)}
end
