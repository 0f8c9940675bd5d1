-- KEYS: a caller. ARGV: requests in a window, the window in microseconds, what this request costs.
-- The same decision as Quota::decide of redundancy-engine makes, by the clock of the server, in microseconds. The value is the theoretical
-- arrival time of the next request.
-- Gives whether it is allowed, what remains, and the microseconds until the quota is whole and until this would be allowed.
local requests, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local cost = math.min(tonumber(ARGV[3]), requests)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = window / requests
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
arrival = math.min(math.max(arrival, now), now + window)
local after = arrival + interval * cost
-- Sums of fractions are a little off.
local allowed = after <= now + window + 0.5
if allowed then
  arrival = after
  redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
end
local remaining = math.max(0, math.floor((now + window - arrival) / interval + 0.001))
local wait = allowed and 0 or math.max(1, math.ceil(after - now - window))
return {allowed and 1 or 0, remaining, math.ceil(arrival - now), wait}
