-- ARGV: endpoints. Gives of each how many deliveries are pending, and its other counts; last those of deleted endpoints.
local all = {}
for i = 1, #ARGV do
  all[i] = {call('ZCARD', T .. ':lane:' .. ARGV[i]), call('HGETALL', T .. ':c:' .. ARGV[i])}
end
all[#all + 1] = {0, call('HGETALL', T .. ':c')}
return all
