-- A new fencing token: greater than every one before, and not below the time offered.
local token = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', token))
return token
