-- The cells of one precision that changed after a revision (0: all of them), and, with a connection, watch them.
-- KEYS  …, and last, to watch: the viewport's viewers, a hash: connection -> encoding
-- ARGV  …, index of the precision, since, its epoch, the extent, the connection, its encoding
-- Returns epoch, rev, live, last_event, since or 0 if resuming from there would not be complete, "cell …", "count …".
-- Only a viewer makes a state; who merely asks for one that does not exist is told that it is empty, and of one that is
-- kept for other precisions, as while a deployment replaces another, what a tally says.
if ARGV[7] then ensure_epoch() end
local i, since = tonumber(ARGV[3]), tonumber(ARGV[4])
local is_kept = are_kept()
-- A reader has a finer precision counted for a while: to tally it for each would take all drivers each time.
if ARGV[7] or (is_kept and redis.call('HLEN', DRIVERS) > 0 and precisions[i] > ALWAYS) then begin(i) end
local epoch, rev, live, last_event = stamp()
local floors = redis.call('HMGET', META, 'floor', 'floor:' .. precisions[i])
local floor = math.max(tonumber(floors[1] or 0), tonumber(floors[2] or 0))
if ARGV[5] ~= epoch or since < floor or since > rev then since = 0 end

if ARGV[7] then
  redis.call('HSET', KEYS[#KEYS], ARGV[7], ARGV[8])
  -- The first viewer starts the chain: every later frame builds on a revision that this viewer has.
  redis.call('HSETNX', viewports_of(i), ARGV[6], rev)
end
local cells, counts
if is_kept and is_counted[i] then
  cells, counts = changes(i, since)
else
  since, cells, counts = 0, {}, {}
  for cell, n in pairs(tally(precisions[i])) do
    cells[#cells + 1] = cell
    counts[#cells] = n
  end
  cells, counts = table.concat(cells, ' '), table.concat(counts, ' ')
end
return {epoch, rev, live, last_event, since, cells, counts}
