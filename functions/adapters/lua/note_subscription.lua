-- Note that a connection watches a viewport, in one step with the check that it may.
-- KEYS  the connection's record
-- ARGV  the subscription's field, how many a connection may have, seconds until the record expires, then the fields and
--       values of a record that has to be made anew because the server has lost it
-- Returns 'added'; 'changed' if it was noted already; 'limit' if there are as many as there may be; 'closed' if the
-- connection has been closed. In the last two cases nothing is written.
local record = KEYS[1]
local subscriptions, is_noted = 0, false
for _, field in ipairs(redis.call('HKEYS', record)) do
  if field == 'closed' then return 'closed' end
  if string.sub(field, 1, 2) == 's:' then subscriptions = subscriptions + 1 end
  if field == ARGV[1] then is_noted = true end
end
if not is_noted and subscriptions >= tonumber(ARGV[2]) then return 'limit' end
redis.call('HSET', record, ARGV[1], '', unpack(ARGV, 4))
redis.call('EXPIRE', record, ARGV[3])
return is_noted and 'changed' or 'added'
