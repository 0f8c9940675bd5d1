-- KEYS: the tag of access. ARGV: the id of a key, the time. Gives its record, or nothing if there is none.
local place = KEYS[1] .. ':key'
local record = redis.call('HGET', place, ARGV[1])
if not record then return false end
local key = cjson.decode(record).record
-- Written by another version: whoever reads it says so.
if key == nil then return record end
local revoked_at = key.revoked_at
if revoked_at == nil or revoked_at == cjson.null then
  -- In place, so that numbers stay as they were written.
  local changed, times = string.gsub(record, '"revoked_at":null', '"revoked_at":' .. ARGV[2])
  if times ~= 1 then return redis.error_reply('ERR the record of the key cannot be changed') end
  redis.call('HSET', place, ARGV[1], changed)
  return changed
end
return record
