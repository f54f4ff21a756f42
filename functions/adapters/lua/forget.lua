-- Forget a driver; what is noted of its home goes with the next tick, which knows what to do if it comes back.
-- KEYS  …, and last, jumps (see apply.lua);  ARGV  …, driver, 1 or 0: whether it is at home here
-- Returns for each 1 or 0: whether it was counted, had a reading that was held, had fallen silent.
ensure_epoch()
local driver = ARGV[3]
local register = redis.call('HGET', DRIVERS, driver)
local was_silent = redis.call('SISMEMBER', SILENT, driver)
if register then take_out({driver}, {register}) end
if register or ARGV[4] == '1' then redis.call('SADD', SILENT, driver) end
return {register and 1 or 0, redis.call('HDEL', KEYS[#KEYS], driver), was_silent}
