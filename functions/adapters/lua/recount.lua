-- Repair the counts and the last-seen times from the registers.
local drivers, seen = redis.call('HGETALL', DRIVERS), {}
for k = 1, #drivers, 2 do seen[k], seen[k + 1] = string.sub(drivers[k + 1], 1, TIME), drivers[k] end
redis.call('DEL', SEEN)
write('ZADD', SEEN, seen)
recount(ARGV[2])
return 1
