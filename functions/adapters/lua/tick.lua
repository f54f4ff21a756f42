-- One round of the broadcaster: take out drivers gone silent, and tell what changed where somebody watches.
-- ARGV  …, fencing token, when it is due, now, the last sampled_at that counts as silent, tombstones' age; all times in ms
-- Returns {} if another broadcaster has a newer token, {0} if this tick was made already; otherwise
-- {epoch, rev, live, last_event, {silent driver…}, {precision, {extent, rev of its last frame…}, "cell …", "count …"}…}
-- with one table for each precision that has viewports. Cells that lie in none of them may be among these.

-- So few viewports are compared with what changed: most of that may be nothing to them. Of more the broadcaster finds out.
local FEW = 16

-- Column and row of a geohash in the grid of its size: each character has three bits of one and two of the other, in turns.
local three, two = {}, {}
for value = 0, 31 do
  local character = string.byte('0123456789bcdefghjkmnpqrstuvwxyz', value + 1)
  local function bit(n) return math.floor(value / 2 ^ n) % 2 end
  three[character], two[character] = 4 * bit(4) + 2 * bit(2) + bit(0), 2 * bit(3) + bit(1)
end
local function place(geohash)
  local x, y = 0, 0
  for k = 1, #geohash do
    local character = string.byte(geohash, k)
    if k % 2 == 1 then
      x, y = 8 * x + three[character], 4 * y + two[character]
    else
      x, y = 4 * x + two[character], 8 * y + three[character]
    end
  end
  return x, y
end

-- Whether a cell lies in one of the viewports {extent, revision, extent, revision, …}, as a function.
local function lies_in(viewports)
  local boxes, is_watched = {}, {}
  for k = 1, #viewports, 2 do
    local south_west, north_east = string.match(viewports[k], '(%w+)-(%w+)')
    local west, south = place(south_west)
    local east, north = place(north_east)
    boxes[#boxes + 1] = {west, south, east, north}
  end
  return function(cell)
    local tile = string.sub(cell, 1, -3)
    if is_watched[tile] == nil then
      local x, y = place(tile)
      is_watched[tile] = false
      for _, box in ipairs(boxes) do
        if x >= box[1] and y >= box[2] and x <= box[3] and y <= box[4] then is_watched[tile] = true end
      end
    end
    return is_watched[tile]
  end
end

local epoch = ensure_epoch()
local token, due_at, now, silent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local held = redis.call('HMGET', META, 'token', 'ticked_to', 'swept_to', 'mark_at', 'mark_rev')
if token < tonumber(held[1] or 0) then return {} end
-- A time and not a count of ticks: that would fall behind the one that is held when ticks are made longer.
if due_at <= tonumber(held[2] or 0) then return {0} end
redis.call('HSET', META, 'token', ARGV[3], 'ticked_to', ARGV[4])

if silent > (held[3] or '') then
  local swept = redis.call('ZRANGEBYSCORE', SEEN, '-inf', silent)
  take_out(swept, read(DRIVERS, swept))
  write('SADD', SILENT, swept)
  -- A ping that is not newer than this comes too late, whenever it comes: else it would bring the driver back.
  redis.call('HSET', META, 'swept_to', silent)
end

-- With those of a tick whose answer was lost.
local answer = {epoch, 0, 0, 0, redis.call('SMEMBERS', SILENT)}
local needed = math.huge
for i, precision in ipairs(precisions) do
  local viewports = redis.call('HGETALL', viewports_of(i))
  if #viewports == 0 then
    cease(i, now)
  else
    begin(i)
    local base = tonumber(redis.call('HGET', META, 'sent:' .. precision))
    if base < needed then needed = base end
    local cells, counts = changes(i, base, #viewports <= 2 * FEW and lies_in(viewports))
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
