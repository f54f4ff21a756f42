-- Forget a driver.
-- KEYS  …, and last, jumps (see apply.lua);  ARGV  …, driver
-- Returns for each 1 or 0: whether it was counted, had a reading that was held, had fallen silent.
ensure_epoch()
local driver = ARGV[3]
local register = redis.call('HGET', DRIVERS, driver)
if register then take_out({driver}, {register}) end
return {register and 1 or 0, redis.call('HDEL', KEYS[#KEYS], driver), redis.call('SREM', SILENT, driver)}
