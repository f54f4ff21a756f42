-- What every script of a city begins with: its keys, and the few steps that keep its counts exact.
--
-- KEYS  meta, drivers, seen, arrivals, silent, then for each precision: counts, revisions, viewports
-- ARGV  precisions ("5,6,7"), an epoch to use if the state is born now, then what the script itself takes
--
-- meta       hash: epoch, rev, precisions, last_event, swept_to, floor, mark_rev, mark_at, token,
--            ticked_to, the time at which the last tick was due, whatever the ticks' length (versions before this one
--            have numbers of ticks in `tick`, which is left alone, so that one can go back to them),
--            for each precision with viewers sent:<p>, the revision up to which ticks have told what changed, and for
--            one that is counted on demand and has that as long as it is: floor:<p>, the revision at which that began,
--            and idle:<p>, the time of the first tick that found nobody using it;
--            of what is published (see publish.lua) live, the drivers, and of_epoch and of_rev, the exact state it tells of
-- drivers    hash: driver -> register, a text that is greater the newer it is (see heatmap/register.py)
-- seen       sorted set: driver by sampled_at
-- arrivals   set: drivers new to the city who may still be counted in the one they came from (see crossings.py)
-- silent     set: drivers taken out for their silence, or forgotten, who may still have a home here (see crossings.py)
-- counts     hash: cell -> drivers in it; 0 is a tombstone: the cell went empty not long ago
-- revisions  sorted set: cell by the revision of its last change
-- viewports  hash: extent that somebody watches -> revision of the last frame that was sent for it
local META, DRIVERS, SEEN, ARRIVALS, SILENT = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local CELL = 27
local TIME = 13
-- Bounds the arguments of one command; a managed cache takes 3,999, and Lua's unpack about 8,000.
local CHUNK = 1000

-- A finer precision is counted only while somebody watches it or asks for it: nearly every ping changes its counts.
local ALWAYS = 7

-- It is counted on for so long: to begin again, for the next reader or a viewer who reconnects, takes all drivers.
local LINGER_MS = 60000

-- is_counted[i] tells of the i-th precision; the registers keep every driver's finest cell, so counting can begin any time.
local precisions, is_counted, finest = {}, {}, 0
for p in string.gmatch(ARGV[1], '%d+') do
  local precision = tonumber(p)
  precisions[#precisions + 1] = precision
  is_counted[#precisions] = precision <= ALWAYS or redis.call('HEXISTS', META, 'sent:' .. p) == 1
  if is_counted[#precisions] then finest = precision end
end

local function counts_of(i) return KEYS[3 * i + 3] end
local function revisions_of(i) return KEYS[3 * i + 4] end
local function viewports_of(i) return KEYS[3 * i + 5] end

-- Call `command key` with a list's items, in chunks of an even number.
local function each_chunk(list, visit)
  for first = 1, #list, CHUNK do visit(first, math.min(first + CHUNK - 1, #list)) end
end

local function write(command, key, list)
  each_chunk(list, function(first, last) redis.call(command, key, unpack(list, first, last)) end)
end

-- The values of a hash's fields, in their order.
local function read(key, fields)
  local values = {}
  each_chunk(fields, function(first, last)
    local part = redis.call('HMGET', key, unpack(fields, first, last))
    for i = 1, #part do values[first + i - 1] = part[i] end
  end)
  return values
end

-- Add changes to the counts of the i-th precision's cells, under a revision (nil: a new one); returns the revision.
local function add(i, change, rev)
  local cells = {}
  for cell, n in pairs(change) do if n ~= 0 then cells[#cells + 1] = cell end end
  if #cells == 0 then return rev end
  rev = rev or redis.call('HINCRBY', META, 'rev', 1)
  local before = read(counts_of(i), cells)
  local counts, revisions = {}, {}
  for k = 1, #cells do
    local cell = cells[k]
    counts[2 * k - 1] = cell
    counts[2 * k] = (tonumber(before[k]) or 0) + change[cell]
    revisions[2 * k - 1] = rev
    revisions[2 * k] = cell
  end
  write('HSET', counts_of(i), counts)
  write('ZADD', revisions_of(i), revisions)
  return rev
end

-- Add the changes of the finest cells to every precision's counts, all under one new revision.
local function settle(moved)
  local rev, change, finer = nil, moved, finest
  for i = #precisions, 1, -1 do
    if is_counted[i] then
      local precision = precisions[i]
      if precision ~= finer then
        local coarser = {}
        for cell, n in pairs(change) do
          local coarse = string.sub(cell, 1, precision)
          coarser[coarse] = (coarser[coarse] or 0) + n
        end
        change, finer = coarser, precision
      end
      rev = add(i, change, rev)
    end
  end
  return rev
end

-- The drivers in each cell of a precision, from the registers.
local function tally(precision)
  local drivers = {}
  local registers = redis.call('HVALS', DRIVERS)
  for k = 1, #registers do
    local cell = string.sub(registers[k], CELL, CELL + precision - 1)
    drivers[cell] = (drivers[cell] or 0) + 1
  end
  return drivers
end

-- Somebody uses the i-th precision: what ticks have told of it begins now, and so does counting it on demand.
local function begin(i)
  local sent = 'sent:' .. precisions[i]
  if precisions[i] > ALWAYS then redis.call('HDEL', META, 'idle:' .. precisions[i]) end
  if redis.call('HEXISTS', META, sent) == 1 then return end
  if not is_counted[i] then
    is_counted[i] = true
    finest = math.max(finest, precisions[i])
    redis.call('DEL', counts_of(i), revisions_of(i))
    -- Cells that had gone empty before are not known: nobody can go on from before this revision.
    redis.call('HSET', META, 'floor:' .. precisions[i], redis.call('HINCRBY', META, 'rev', 1))
    add(i, tally(precisions[i]))
  end
  redis.call('HSET', META, sent, redis.call('HGET', META, 'rev') or 0)
end

-- A tick finds nobody watching the i-th precision.
local function cease(i, now)
  local precision = precisions[i]
  local sent, idle = 'sent:' .. precision, 'idle:' .. precision
  if precision > ALWAYS and is_counted[i] then
    redis.call('HSETNX', META, idle, now)
    if now - redis.call('HGET', META, idle) < LINGER_MS then
      -- There is nobody to be told what changes meanwhile.
      redis.call('HSET', META, sent, redis.call('HGET', META, 'rev') or 0)
      return
    end
    redis.call('DEL', counts_of(i), revisions_of(i))
    is_counted[i] = false
  end
  redis.call('HDEL', META, sent, idle)
end

-- Drop what was counted at precisions that are not configured any more. Their keys are none of those we are called
-- with; viewports stay, and go with their viewers.
local function retire()
  local prefix = string.sub(META, 1, -1 - #'meta')
  for p in string.gmatch(redis.call('HGET', META, 'precisions') or '', '%d+') do
    if not string.find(',' .. ARGV[1] .. ',', ',' .. p .. ',', 1, true) then
      redis.call('DEL', prefix .. 'n:' .. p, prefix .. 'r:' .. p)
      redis.call('HDEL', META, 'sent:' .. p, 'idle:' .. p, 'floor:' .. p)
    end
  end
end

-- Count anew from the registers, under a new epoch: nothing that was sent before can be built upon.
local function recount(epoch)
  retire()
  for i = 1, #precisions do
    redis.call('DEL', counts_of(i), revisions_of(i))
    redis.call('HDEL', META, 'sent:' .. precisions[i], 'idle:' .. precisions[i])
    is_counted[i] = precisions[i] <= ALWAYS
    if is_counted[i] then finest = precisions[i] end
  end
  redis.call('HSET', META, 'epoch', epoch, 'precisions', ARGV[1])
  local rev = settle(tally(finest))
  redis.call('HSET', META, 'floor', redis.call('HINCRBY', META, 'rev', rev and 0 or 1), 'mark_at', 0)
  redis.call('HDEL', META, 'mark_rev')
end

-- The state's epoch; a state is born, or born again for other precisions, under the one offered.
local function ensure_epoch()
  local meta = redis.call('HMGET', META, 'epoch', 'precisions')
  if meta[1] and meta[2] == ARGV[1] then return meta[1] end
  recount(ARGV[2])
  return ARGV[2]
end

-- Whether the counts at our precisions are kept. Who merely asks must not read others.
local function are_kept() return redis.call('HGET', META, 'precisions') == ARGV[1] end

-- Take drivers out of the state, given their registers.
local function take_out(ids, registers)
  local moved = {}
  for k = 1, #ids do
    local cell = string.sub(registers[k], CELL, CELL + finest - 1)
    moved[cell] = (moved[cell] or 0) - 1
  end
  write('HDEL', DRIVERS, ids)
  write('ZREM', SEEN, ids)
  write('SREM', ARRIVALS, ids)
  settle(moved)
end

-- The one question: which cells of the i-th precision changed after a revision, and to what? Returns "cell cell …" and
-- "count count …": to answer with each by itself takes longer than to find them. With `is_wanted` only some cells.
local function changes(i, since, is_wanted)
  local cells = redis.call('ZRANGEBYSCORE', revisions_of(i), '(' .. since, '+inf')
  if is_wanted then
    local wanted = {}
    for k = 1, #cells do if is_wanted(cells[k]) then wanted[#wanted + 1] = cells[k] end end
    cells = wanted
  end
  return table.concat(cells, ' '), table.concat(read(counts_of(i), cells), ' ')
end

-- Epoch, revision, live drivers, time of the last event: what every frame is stamped with.
local function stamp()
  local meta = redis.call('HMGET', META, 'epoch', 'rev', 'last_event', 'live')
  return meta[1] or '', tonumber(meta[2] or 0), tonumber(meta[4] or redis.call('HLEN', DRIVERS)), tonumber(meta[3] or 0)
end
