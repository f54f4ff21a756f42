-- Drivers gone silent are at home nowhere, unless another city has them meanwhile.
-- KEYS  homes;  ARGV  the city they were swept from, driver, driver, …
for k = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[k]) == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[k]) end
end
return 1
