-- ARGV: version of the registry, id, counter of the document as it is stored, how many events tell of it, and these.
-- Gives {1}; {0, version} when the version is another one, {2} when another document or none is there, {3} when what is there
-- has another version of the format.
-- It may be done when Redis is full: afterwards there is room.
local version, id, expected = ARGV[1], ARGV[2], ARGV[3]
if not is_current(version) then return {0, call('GET', T .. ':regver') or '0'} end
local head = head_of(id)
if not head then return {3} end
if string.sub(head, 1, 4) ~= expected then return {2} end
open_postings()
forget(id, head)
call('DEL', T .. ':doc:' .. id)
close_postings()
local at = 5
for _ = 1, tonumber(ARGV[4]) do at = publish(at) end
tell()
return {1}
