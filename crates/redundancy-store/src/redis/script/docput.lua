-- ARGV: version of the registry, id, counter of the document that is expected under that id as it is stored or nothing, the
-- lowest counter for the new one, the new one without its counter, how many events tell of it, and these.
-- Gives {1, counter}; {0, version} when the version is another one, {2} when another document or none is there, {3} when what
-- is there has another version of the format.
local version, id, expected, lowest, document = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if not is_current(version) then return {0, call('GET', T .. ':regver') or '0'} end
local head = head_of(id)
if not head then return {3} end
-- This very call came before, and its answer was lost.
if string.sub(head, 5, 12) == string.sub(document, 1, 8) then return {1, number(head)} end
if string.sub(head, 1, 4) ~= expected then return {2} end
local last = math.max(lowest, tonumber(call('GET', T .. ':last') or 0) + 1)
local counter = struct.pack('>I4', last)
-- First of all: a Redis that is full refuses it, and nothing is done by halves.
call('SET', T .. ':last', string.format('%d', last))
open_postings()
if head ~= '' then forget(id, head) end
document = counter .. document
call('SET', T .. ':doc:' .. id, document)
call('HSET', ids_of(last), string.format('%d', last), id)
local _, _, _, _, record, trace, keys = struct.unpack(HEAD, document)
local collection = collection_of(string.sub(document, HEAD_SIZE + RECORD_COLLECTION + 1, HEAD_SIZE + RECORD_COLLECTION + 256))
append(T .. ':docs', counter)
append(T .. ':docs:' .. collection, counter)
call('HINCRBY', T .. ':sizes', collection, 1)
local first = HEAD_SIZE + record + trace
for at = first + 1, first + keys, 5 do post(string.sub(document, at, at + 4), counter) end
close_postings()
local at = 7
for _ = 1, tonumber(ARGV[6]) do at = publish(at) end
tell()
return {1, last}
