-- Stop a connection's watching of a viewport.
-- KEYS  the viewport's viewers, the precision's viewports;  ARGV  the connection, the extent
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
