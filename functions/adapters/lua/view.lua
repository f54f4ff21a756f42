-- The cells of one precision that changed after a revision (0: all of them), and, with a connection, watch them.
-- KEYS  …, and last, to watch: the set of the viewport's connections
-- ARGV  …, index of the precision, since, its epoch, the viewport, the connection
-- Returns epoch, rev, live, last_event, since or 0 if resuming from there would not be complete, cells, counts.
-- Only a viewer makes a state; who merely asks for one that does not exist is told that it is empty.
if ARGV[7] then ensure_epoch() end
local i, since = tonumber(ARGV[3]), tonumber(ARGV[4])
local epoch, rev, live, last_event = stamp()
local floor = tonumber(redis.call('HGET', META, 'floor') or 0)
if ARGV[5] ~= epoch or since < floor or since > rev then since = 0 end

if ARGV[7] then
  redis.call('SADD', KEYS[#KEYS], ARGV[7])
  redis.call('SADD', viewports_of(i), ARGV[6])
  -- The first viewer of a precision starts its chain: every later fragment builds on a revision that viewer has.
  redis.call('HSETNX', META, 'sent:' .. precisions[i], rev)
  redis.call('HSETNX', META, 'chain:' .. precisions[i], rev)
end
local cells, counts = changes(i, since)
return {epoch, rev, live, last_event, since, cells, counts}
