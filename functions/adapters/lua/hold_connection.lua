-- Count a connection among its principal's, in one step with the check that they are not too many.
-- KEYS  the principal's connections, by when they are to end
-- ARGV  the time, the connection, when it is to end, how many there may be (0: any number), seconds to keep them for
-- Returns 1, or 0 if there are as many others as there may be; then nothing is written. Times are UTC milliseconds.
local connections, connection, most = KEYS[1], ARGV[2], tonumber(ARGV[4])
-- Of one that must have ended by now it was not heard.
redis.call('ZREMRANGEBYSCORE', connections, '-inf', ARGV[1])
if most > 0 and not redis.call('ZSCORE', connections, connection) and redis.call('ZCARD', connections) >= most then
  return 0
end
-- One that is known ends when it was to end: to subscribe makes it no younger.
redis.call('ZADD', connections, 'NX', ARGV[3], connection)
redis.call('EXPIRE', connections, ARGV[5])
return 1
