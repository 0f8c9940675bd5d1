-- KEYS: the tag of a partition. ARGV: batch, how many items it has, now, and its fields with their values.
-- Keys of batches, each beginning with the tag:
--   :b:<batch>   a hash: v version, o operation, s state, t items, n of them done, f of those failed, c accepted at, x begun at,
--                z ended at, r error, q request id, u user, p traceparent, l token of the lease, e when it ends, k the last call
--                that settled it
--   :bi:<batch>  a list: the items that are left
--   :br:<batch>  a list: results
--   :bo          a sorted set: batches that have not ended, by when they last had their turn
--   :ba          a sorted set of all
-- Gives whether it is accepted.
local T, call = KEYS[1], redis.call
local id = ARGV[1]
-- This very call came before, and its answer was lost.
if call('EXISTS', T .. ':b:' .. id) == 1 then return 1 end
if call('LLEN', T .. ':bi:' .. id) ~= tonumber(ARGV[2]) then return 0 end
call('PERSIST', T .. ':bi:' .. id)
call('HSET', T .. ':b:' .. id, unpack(ARGV, 4))
call('ZADD', T .. ':bo', ARGV[3], id)
call('ZADD', T .. ':ba', '0', id)
return 1
