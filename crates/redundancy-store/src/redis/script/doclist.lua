-- ARGV: a collection or nothing for all, the counter behind which to begin, how many at most. Gives counters, 4 bytes each.
local list, after, most = T .. ':docs', tonumber(ARGV[2]), tonumber(ARGV[3])
if ARGV[1] ~= '' then list = list .. ':' .. ARGV[1] end
local blocks = call('ZCOUNT', list, '-inf', after)
-- The counter may stand in the middle of a block.
local skipped = 0
local start = math.max(blocks - 1, 0)
local counters = first_of(list, start, most + 64)
while skipped < #counters and number(string.sub(counters, skipped + 1, skipped + 4)) <= after do skipped = skipped + 4 end
return string.sub(counters, skipped + 1, skipped + 4 * most)
