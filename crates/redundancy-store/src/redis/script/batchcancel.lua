-- KEYS: the tag of a partition. ARGV: batch, now. Cancels it unless it has ended. Gives its fields, none when there is no such batch.
local T, call = KEYS[1], redis.call
local id = ARGV[1]
local key = T .. ':b:' .. id
local state = call('HGET', key, 's')
if not state then return {} end
if state == 'queued' or state == 'running' then
  call('HSET', key, 's', 'cancelled', 'z', ARGV[2], 'l', '', 'e', '')
  call('ZREM', T .. ':bo', id)
  call('UNLINK', T .. ':bi:' .. id)
end
return call('HMGET', key, 'v', 'o', 's', 't', 'n', 'f', 'c', 'x', 'z', 'r', 'q', 'u', 'p')
