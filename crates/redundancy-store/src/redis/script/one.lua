-- ARGV: delivery. Gives it and the records of its attempts, or nothing.
local delivery = fields(ARGV[1])
if not delivery[1] then return {} end
return {whole(ARGV[1], delivery), call('LRANGE', T .. ':a:' .. ARGV[1], 0, -1)}
