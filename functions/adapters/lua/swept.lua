-- Note a sweep of all cities; broadcasters whose clocks differ never move it back.
-- KEYS  swept_to;  ARGV  time in ms, 13 digits
if ARGV[1] > (redis.call('GET', KEYS[1]) or '') then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
