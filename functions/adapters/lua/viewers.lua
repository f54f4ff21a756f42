-- The viewers of viewports.
-- KEYS  the viewers of each;  returns for each of them {connection, encoding, connection, encoding, …}
local viewers = {}
for i = 1, #KEYS do viewers[i] = redis.call('HGETALL', KEYS[i]) end
return viewers
