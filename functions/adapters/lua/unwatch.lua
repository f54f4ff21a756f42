-- Stop a connection's watching of a viewport.
-- KEYS  the viewport's connections, the precision's viewports;  ARGV  the connection, the viewport
redis.call('SREM', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
return 1
