-- KEYS: the tag of the registry. Gives the records of all jobs that are not finished.
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1] .. ':openjobs', 0, -1)) do
  found[#found + 1] = redis.call('HGET', KEYS[1] .. ':jobs', id)
end
return found
