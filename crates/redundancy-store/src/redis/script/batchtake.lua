-- KEYS: the tag of a partition. ARGV: batch, now, token, when the lease ends, how many items and bytes of them at most. Gives the
-- fields of the batch and items, or nothing when somebody else has it or it has ended.
local T, call = KEYS[1], redis.call
local id, now, token, max_items, max_bytes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local key = T .. ':b:' .. id
local state, held, ends = unpack(call('HMGET', key, 's', 'l', 'e'))
if state ~= 'queued' and state ~= 'running' then return {} end
if held ~= token and ends and ends ~= '' and tonumber(ends) > tonumber(now) then return {} end
call('HSET', key, 's', 'running', 'l', token, 'e', ARGV[4])
call('HSETNX', key, 'x', now)
local items, bytes = {}, 0
for at = 0, max_items - 1 do
  local item = call('LINDEX', T .. ':bi:' .. id, at)
  if not item then break end
  bytes = bytes + #item
  if at > 0 and bytes > max_bytes then break end
  items[at + 1] = item
end
return {call('HMGET', key, 'v', 'o', 's', 't', 'n', 'f', 'c', 'x', 'z', 'r', 'q', 'u', 'p'), items}
