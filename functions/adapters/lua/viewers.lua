-- The viewers of viewports.
-- KEYS  the viewers of each;  returns for each of them a line: "connection encoding connection encoding …"
local viewers = {}
-- All in one text: to answer with ten thousand takes longer than to find them.
for i = 1, #KEYS do viewers[i] = table.concat(redis.call('HGETALL', KEYS[i]), ' ') end
return table.concat(viewers, '\n')
