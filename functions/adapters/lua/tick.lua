-- One round of the broadcaster: take out drivers gone silent, and tell what changed where somebody watches.
-- ARGV  …, fencing token, tick number, now, the last sampled_at that counts as silent, tombstones' age; all times in ms
-- Returns {} if another broadcaster has a newer token, {0} if this tick was made already; otherwise
-- {epoch, rev, live, last_event, {swept driver…}, {precision, {extent, rev of its last frame…}, {cell…}, {count…}}…}
-- with one table for each precision that has viewports.
local epoch = ensure_epoch()
local token, tick, now, silent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local held = redis.call('HMGET', META, 'token', 'tick', 'swept_to', 'mark_at', 'mark_rev')
if token < tonumber(held[1] or 0) then return {} end
if tick <= tonumber(held[2] or 0) then return {0} end
redis.call('HSET', META, 'token', ARGV[3], 'tick', ARGV[4])

local swept = {}
if silent > (held[3] or '') then
  swept = redis.call('ZRANGEBYSCORE', SEEN, '-inf', silent)
  take_out(swept, read(DRIVERS, swept))
  -- A ping that is not newer than this comes too late, whenever it comes: else it would bring the driver back.
  redis.call('HSET', META, 'swept_to', silent)
end

local answer = {epoch, 0, 0, 0, swept}
local needed = math.huge
for i, precision in ipairs(precisions) do
  local viewports = redis.call('HGETALL', viewports_of(i))
  if #viewports == 0 then
    cease(i)
  else
    begin(i)
    local base = tonumber(redis.call('HGET', META, 'sent:' .. precision))
    if base < needed then needed = base end
    local cells, counts = changes(i, base)
    answer[#answer + 1] = {precision, viewports, cells, counts}
  end
end

local _, rev, live, last_event = stamp()
answer[2], answer[3], answer[4] = rev, live, last_event

-- Tombstones live between one and two ages: a mark is set, and what was empty at the mark goes when the next one is.
if not held[4] or now - tonumber(held[4]) >= tonumber(ARGV[7]) then
  local mark = math.min(tonumber(held[5] or 0), needed, rev)
  for i = 1, #precisions do
    local cells = redis.call('ZRANGEBYSCORE', revisions_of(i), '-inf', mark)
    local counts, empty = read(counts_of(i), cells), {}
    for k = 1, #cells do if counts[k] == '0' then empty[#empty + 1] = cells[k] end end
    write('HDEL', counts_of(i), empty)
    write('ZREM', revisions_of(i), empty)
  end
  redis.call('HSET', META, 'floor', math.max(mark, tonumber(redis.call('HGET', META, 'floor') or 0)),
    'mark_rev', rev, 'mark_at', ARGV[5])
end
return answer
