-- What every script of a city begins with: its keys, and the few steps that keep its counts exact.
--
-- KEYS  meta, drivers, seen, arrivals, then for each precision: counts, revisions, viewports, fragments
-- ARGV  precisions ("5,6,7"), an epoch to use if the state is born now, then what the script itself takes
--
-- meta       hash: epoch, rev, precisions, last_event, swept_to, floor, mark_rev, mark_at, token, tick,
--            and for each precision with viewers sent:<p> and chain:<p>
-- drivers    hash: driver -> register, a text that is greater the newer it is (see heatmap/register.py)
-- seen       sorted set: driver by sampled_at
-- arrivals   set: drivers new to the city who may still be counted in the one they came from (see crossings.py)
-- counts     hash: cell -> drivers in it; 0 is a tombstone: the cell went empty not long ago
-- revisions  sorted set: cell by the revision of its last change
-- viewports  set: tile ranges that somebody watches
-- fragments  hash: tile -> revision of its last fragment that was sent
local META, DRIVERS, SEEN, ARRIVALS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local CELL = 27
local TIME = 13
-- Bounds the arguments of one command; a managed cache takes 3,999, and Lua's unpack about 8,000.
local CHUNK = 1000

local precisions = {}
for p in string.gmatch(ARGV[1], '%d+') do precisions[#precisions + 1] = tonumber(p) end
local finest = precisions[#precisions]

local function counts_of(i) return KEYS[4 * i + 1] end
local function revisions_of(i) return KEYS[4 * i + 2] end
local function viewports_of(i) return KEYS[4 * i + 3] end
local function fragments_of(i) return KEYS[4 * i + 4] end

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

-- Add the changes of the finest cells to every precision's counts, all under one new revision.
local function settle(moved)
  local rev = nil
  for i, precision in ipairs(precisions) do
    local change = moved
    if precision ~= finest then
      change = {}
      for cell, n in pairs(moved) do
        local coarse = string.sub(cell, 1, precision)
        change[coarse] = (change[coarse] or 0) + n
      end
    end
    local cells = {}
    for cell, n in pairs(change) do if n ~= 0 then cells[#cells + 1] = cell end end
    if #cells > 0 then
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
    end
  end
  return rev
end

-- Count anew from the registers, under a new epoch: nothing that was sent before can be built upon.
local function recount(epoch)
  for i = 1, #precisions do
    redis.call('DEL', counts_of(i), revisions_of(i), fragments_of(i))
    redis.call('HDEL', META, 'sent:' .. precisions[i], 'chain:' .. precisions[i])
  end
  local moved = {}
  local registers = redis.call('HVALS', DRIVERS)
  for k = 1, #registers do
    local cell = string.sub(registers[k], CELL, CELL + finest - 1)
    moved[cell] = (moved[cell] or 0) + 1
  end
  redis.call('HSET', META, 'epoch', epoch, 'precisions', ARGV[1])
  local rev = settle(moved)
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

-- The one question: which cells of the i-th precision changed after a revision, and to what?
local function changes(i, since)
  local cells = redis.call('ZRANGEBYSCORE', revisions_of(i), '(' .. since, '+inf')
  return cells, read(counts_of(i), cells)
end

-- Epoch, revision, live drivers, time of the last event: what every frame is stamped with.
local function stamp()
  local meta = redis.call('HMGET', META, 'epoch', 'rev', 'last_event')
  return meta[1] or '', tonumber(meta[2] or 0), redis.call('HLEN', DRIVERS), tonumber(meta[3] or 0)
end
