-- KEYS: the tag of access. ARGV: the id of a key, the time. Gives its record, or nothing if there is none.
local place = KEYS[1] .. ':key'
local record = redis.call('HGET', place, ARGV[1])
if not record then return false end
local key = cjson.decode(record)
if key.revoked_at == nil or key.revoked_at == cjson.null then
  -- In place, so that numbers stay as they were written.
  record = string.gsub(record, '"revoked_at":null', '"revoked_at":' .. ARGV[2])
  redis.call('HSET', place, ARGV[1], record)
end
return record
