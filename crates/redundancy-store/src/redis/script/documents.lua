-- What the scripts about documents share; it stands behind shared.lua. A document lies in the partition of its id, and so do
-- its events. Beside what shared.lua tells of:
--   :doc:<id>         the document: counter 4 bytes, token of the call that put it 8, version of the format 1, whether the text
--                     is kept 1, length of the record 4, of the trace 4, of the keys 4; then record, trace, keys, text. The
--                     record has its collection at byte 96, the length first
--   :last             the highest counter that was given to a document here
--   :ids:<n>          a hash: ids by counter, 512 counters in each
--   :docs, :docs:<c>  lists of counters: all documents, and those of a collection
--   :sizes            a hash: how many documents a collection has
--   :post:<n>         hashes of postings: by key the counters of the documents that have it, 4 bytes each, or nothing when
--                     they are many
--   :many:<key>       a list of counters: those that have a key
--   :load             a hash: n keys in all hashes of postings, b how many of these there are
-- Counters rise, so everything comes in the order in which it was put. A list of counters is a sorted set of blocks: up to 64
-- counters, 4 bytes each, by the first. A key is 5 bytes and holds its collection. Hashes of postings stay short, so that
-- Redis keeps them packed; their number follows that of the keys (linear hashing, Litwin 1980), one hash at a time.
local HEAD, HEAD_SIZE, RECORD_COLLECTION = '>I4c8BBI4I4I4', 26, 96
local FORMAT = 1
-- Bytes of counters beside a key, and in a block; keys in a hash of postings, more and fewer than which there should not be.
local FEW, BLOCK = 48, 256
local FULL, SPARSE = 24, 6
-- Fields that are moved at once.
local PORTION = 200
local POST, MANY = T .. ':post:', T .. ':many:'
local fields, buckets, level

local function number(counter)
  return (struct.unpack('>I4', counter))
end

local function without(counters, counter)
  for at = 1, #counters, 4 do
    if string.sub(counters, at, at + 3) == counter then
      return string.sub(counters, 1, at - 1) .. string.sub(counters, at + 4)
    end
  end
  return counters
end

-- Appends a counter to a list. It is higher than all in it.
local function append(list, counter)
  local last = call('ZRANGE', list, -1, -1)[1]
  if last and #last < BLOCK then
    call('ZREM', list, last)
    call('ZADD', list, number(last), last .. counter)
  else
    call('ZADD', list, number(counter), counter)
  end
end

-- Takes a counter out of a list.
local function strike(list, counter)
  local block = call('ZREVRANGEBYSCORE', list, number(counter), 0, 'LIMIT', 0, 1)[1]
  if not block then return end
  local rest = without(block, counter)
  if rest == block then return end
  call('ZREM', list, block)
  if rest ~= '' then call('ZADD', list, number(rest), rest) end
end

-- The first counters of a list from the block on that is the `at`th, at most `most` of them.
local function first_of(list, at, most)
  local parts, size = {}, 0
  repeat
    local blocks = call('ZRANGE', list, at, at + 7)
    for _, block in ipairs(blocks) do
      parts[#parts + 1] = block
      size = size + #block
    end
    at = at + 8
  until #blocks < 8 or size >= 4 * most
  return string.sub(table.concat(parts), 1, 4 * most)
end

-- Finds out how many hashes of postings there are.
local function open_postings()
  local load = call('HMGET', T .. ':load', 'n', 'b')
  fields, buckets, level = tonumber(load[1] or 0), tonumber(load[2] or 1), 1
  while level * 2 <= buckets do level = level * 2 end
end

local function place(key)
  local hash = number(key)
  local at = hash % (level * 2)
  if at >= buckets then at = hash % level end
  return POST .. at
end

-- Moves those of the postings in `from` into `to` that belong there: all without `modulus`.
local function move(from, to, modulus)
  local all = call('HGETALL', POST .. from)
  for start = 1, #all, 2 * PORTION do
    local moved, keys = {}, {}
    for at = start, math.min(start + 2 * PORTION, #all) - 1, 2 do
      if not modulus or number(all[at]) % modulus >= level then
        moved[#moved + 1], moved[#moved + 2] = all[at], all[at + 1]
        keys[#keys + 1] = all[at]
      end
    end
    if keys[1] then
      call('HSET', POST .. to, unpack(moved))
      call('HDEL', POST .. from, unpack(keys))
    end
  end
end

-- Writes down how many keys there are, and sees to it that there are as many hashes as suits them.
local function close_postings()
  while fields > FULL * buckets do
    move(buckets - level, buckets, level * 2)
    buckets = buckets + 1
    if buckets == level * 2 then level = buckets end
  end
  while buckets > 1 and fields < SPARSE * buckets do
    if buckets == level then level = level / 2 end
    buckets = buckets - 1
    move(buckets, buckets - level)
  end
  call('HSET', T .. ':load', 'n', string.format('%d', fields), 'b', string.format('%d', buckets))
end

local function post(key, counter)
  local hash = place(key)
  if call('HSETNX', hash, key, counter) == 1 then
    fields = fields + 1
    return
  end
  local counters = call('HGET', hash, key)
  if counters == '' then
    append(MANY .. key, counter)
  elseif #counters < FEW then
    call('HSET', hash, key, counters .. counter)
  else
    call('ZADD', MANY .. key, number(counters), counters .. counter)
    call('HSET', hash, key, '')
  end
end

local function unpost(key, counter)
  local hash = place(key)
  local counters = call('HGET', hash, key)
  if not counters then return end
  local is_gone
  if counters == '' then
    strike(MANY .. key, counter)
    is_gone = call('EXISTS', MANY .. key) == 0
  else
    local rest = without(counters, counter)
    is_gone = rest == ''
    if not is_gone and rest ~= counters then call('HSET', hash, key, rest) end
  end
  if is_gone then
    call('HDEL', hash, key)
    fields = fields - 1
  end
end

local function ids_of(counter)
  return T .. ':ids:' .. string.format('%d', math.floor(counter / 512))
end

local function collection_of(record)
  local length = string.byte(record, 1)
  return string.sub(record, 2, 1 + length)
end

-- Takes the document with this id out of everything but its own place. `head` is its beginning.
local function forget(id, head)
  local key = T .. ':doc:' .. id
  local counter, _, _, _, record, trace, keys = struct.unpack('>c4c8BBI4I4I4', head)
  local collection = collection_of(call('GETRANGE', key, HEAD_SIZE + RECORD_COLLECTION, HEAD_SIZE + RECORD_COLLECTION + 255))
  local first = HEAD_SIZE + record + trace
  local posted = call('GETRANGE', key, first, first + keys - 1)
  for at = 1, keys, 5 do unpost(string.sub(posted, at, at + 4), counter) end
  strike(T .. ':docs', counter)
  strike(T .. ':docs:' .. collection, counter)
  if call('HINCRBY', T .. ':sizes', collection, -1) <= 0 then call('HDEL', T .. ':sizes', collection) end
  call('HDEL', ids_of(number(counter)), string.format('%d', number(counter)))
end

-- The beginning of a document with its lengths; nothing when there is none, and false when another version wrote it.
local function head_of(id)
  local head = call('GETRANGE', T .. ':doc:' .. id, 0, HEAD_SIZE - 1)
  if head == '' then return head end
  if #head < HEAD_SIZE or string.byte(head, 13) ~= FORMAT then return false end
  return head
end

-- A document up to the end of its record, or of its trace.
local function part(id, with_trace)
  local key = T .. ':doc:' .. id
  local head = call('GETRANGE', key, 0, HEAD_SIZE - 1)
  if #head < HEAD_SIZE then return head end
  local _, _, _, _, record, trace = struct.unpack(HEAD, head)
  local size = HEAD_SIZE + record
  if with_trace then size = size + trace end
  return call('GETRANGE', key, 0, size - 1)
end
