-- Move drivers to where their newest pings say they are.
--
-- A reading too far from where the driver was is held, and the driver stays. The next one that the driver can have
-- reached from the held one, and not from where it was, makes both believed. Only a newer reading does, so whatever comes
-- again changes nothing.
--
-- KEYS  …, and last, jumps, a hash: driver -> register of the newest reading that is held
-- ARGV  …, time of the newest ping's receipt, the last sweep of any city, metres per second above which a driver has
--       jumped (0: nobody has), verdicts, then driver, register, driver, register, …
--       The verdicts are '' or a digit for each ping of a driver who is new to the city: 1 it can have come from where it
--       was, 0 it cannot, 2 it cannot and has been seen elsewhere since what is held here.
-- Returns applied, late, duplicate, implausible, {arrival…}, {register of the arrival…}, {stranger…}, revision: strangers
-- are the places of pings that were left alone, because there is no verdict on a driver new to the city. The revision is
-- that of the changed counts, nil if none changed.
ensure_epoch()
local JUMPS = KEYS[#KEYS]
local METRES_PER_DEGREE, RADIUS = 111194.92664455873, 6371000
local DETAILS = 36
-- What is held goes after this, even if nobody pings from the city any more.
local KEPT_SECONDS = 3600

local meta = redis.call('HMGET', META, 'swept_to', 'last_event', 'jumps_swept_to')
-- A city that is new has not been swept itself; a driver who fell silent elsewhere does not come back through it.
local swept_to = meta[1] or ''
if ARGV[4] > swept_to then swept_to = ARGV[4] end
if ARGV[3] > (meta[2] or '') then redis.call('HSET', META, 'last_event', ARGV[3]) end
local jump_speed, verdicts = tonumber(ARGV[5]), ARGV[6]

local sub, match, byte, abs = string.sub, string.match, string.byte, math.abs
local cell_end = CELL + finest - 1
local ids = {}
for k = 7, #ARGV, 2 do ids[#ids + 1] = ARGV[k] end
local known = read(DRIVERS, ids)

-- What is held from before the last sweep is of no use any more.
local held, is_any_held = {}, false
if redis.call('HLEN', JUMPS) > 0 then
  if swept_to > (meta[3] or '') then
    local all, stale = redis.call('HGETALL', JUMPS), {}
    for k = 1, #all, 2 do
      if sub(all[k + 1], 1, TIME) <= swept_to then stale[#stale + 1] = all[k] end
    end
    write('HDEL', JUMPS, stale)
    redis.call('HSET', META, 'jumps_swept_to', swept_to)
  end
  held, is_any_held = read(JUMPS, ids), true
end

-- Where in a cell of precision 6 the seventh and the eighth character put a place: columns and rows of precision 8.
local columns, rows, finer_columns, finer_rows = {}, {}, {}, {}
for value = 0, 31 do
  local bits = {}
  for k = 1, 5 do bits[k] = math.floor(value / 2 ^ (5 - k)) % 2 end
  local character = string.byte('0123456789bcdefghjkmnpqrstuvwxyz', value + 1)
  local odd, even = bits[1] * 4 + bits[3] * 2 + bits[5], bits[2] * 2 + bits[4]
  columns[character], rows[character] = odd * 4, even * 8
  finer_columns[character], finer_rows[character] = even, odd
end
local ROW_M = 180 / 2 ^ 20 * METRES_PER_DEGREE
local COLUMN_M = 2 * ROW_M

-- Metres, times 1,000: two places in one of the finest cells are no further apart.
local in_cell = 1000 * METRES_PER_DEGREE
  * (180 / 2 ^ math.floor(finest * 5 / 2) + 360 / 2 ^ math.ceil(finest * 5 / 2))

local function on_sphere(lat, lon)
  local phi, theta = math.rad(lat), math.rad(lon)
  return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)
end

local function place_of(register)
  local lat, lon = match(register, '^%[([^,]+),([^,%]]+)', DETAILS)
  return tonumber(lat), tonumber(lon)
end

-- Whether the later of two registers is further from the earlier one than a driver can have come.
local function is_jump(earlier, later)
  local reach = jump_speed * (sub(later, 1, TIME) - sub(earlier, 1, TIME)) / 1000
  -- Nearly everybody is near, which takes no more than a look at the cells.
  local a, b, c, d, e, f, g, h = byte(earlier, CELL, CELL + 7)
  local i, j, k, l, m, n, o, p = byte(later, CELL, CELL + 7)
  if f == n and e == m and d == l and c == k and b == j and a == i then
    local aside = abs(columns[g] + finer_columns[h] - columns[o] - finer_columns[p]) + 1
    local along = abs(rows[g] + finer_rows[h] - rows[o] - finer_rows[p]) + 1
    if aside * COLUMN_M + along * ROW_M <= reach then return false end
  end
  local lat, lon = place_of(earlier)
  local to_lat, to_lon = place_of(later)
  -- One that is not of our making cannot be judged, and must not hold up those that are.
  if not (lat and lon and to_lat and to_lon) then return false end
  if (abs(to_lat - lat) + abs(to_lon - lon)) * METRES_PER_DEGREE <= reach then return false end
  local x, y, z = on_sphere(lat, lon)
  local to_x, to_y, to_z = on_sphere(to_lat, to_lon)
  return RADIUS * math.sqrt((to_x - x) ^ 2 + (to_y - y) ^ 2 + (to_z - z) ^ 2) > reach
end

-- Of the drivers who move, for HSET and ZADD: driver, newest register, … and its time, driver, …; places[id] is where.
local registers, seen, places, n = {}, {}, {}, 0
local candidates, strange = {}, {}
local moved, arrived, strangers = {}, {}, {}
local applied, late, duplicate, implausible = 0, 0, 0, 0

-- What becomes of a ping that is newer than what is known of its driver: '' it moves the driver, or else why not.
local function judge(k, id, register, old)
  local verdict = sub(verdicts, k, k)
  local candidate = candidates[id]
  if candidate == nil then candidate = verdict ~= '2' and held[k] end
  if register == candidate then return 'duplicate' end
  if old then
    if not is_jump(old, register) then
      if candidate and candidate < register then candidates[id] = false end
      return ''
    end
  elseif verdict == '' then
    return 'strange'
  elseif verdict == '1' then
    if candidate and candidate < register then candidates[id] = false end
    return ''
  end
  if candidate and register < candidate then return 'implausible' end
  if candidate and not is_jump(candidate, register) then
    candidates[id] = false
    return ''
  end
  candidates[id], is_any_held = register, true
  return 'implausible'
end

for k = 1, #ids do
  local id = ids[k]
  local register = ARGV[6 + 2 * k]
  local time = sub(register, 1, TIME)
  local place = places[id]
  local old = known[k]
  if place then old = registers[place] end
  if old and register <= old then
    if register == old then duplicate = duplicate + 1 else late = late + 1 end
  elseif time <= swept_to then
    late = late + 1
  else
    local cell = sub(register, CELL, cell_end)
    local left = old and sub(old, CELL, cell_end)
    local why = ''
    -- Who stays in a cell for long enough to cross it has not jumped.
    local has_stayed = left == cell and jump_speed * (time - sub(old, 1, TIME)) >= in_cell
    if jump_speed > 0 and (is_any_held or not old or not has_stayed and is_jump(old, register)) then
      why = strange[id] or judge(k, id, register, old)
    end
    if why == '' then
      applied = applied + 1
      if not place then
        n = n + 2
        place = n
        places[id], registers[n - 1], seen[n] = n, id, id
      end
      registers[place], seen[place - 1] = register, time
      if left ~= cell then
        moved[cell] = (moved[cell] or 0) + 1
        if left then moved[left] = (moved[left] or 0) - 1 else arrived[#arrived + 1] = id end
      end
    elseif why == 'implausible' then
      implausible = implausible + 1
    elseif why == 'duplicate' then
      duplicate = duplicate + 1
    else
      -- The driver's later pings wait with it.
      strange[id] = why
      strangers[#strangers + 1] = k
    end
  end
end

write('HSET', DRIVERS, registers)
write('ZADD', SEEN, seen)
write('SADD', ARRIVALS, arrived)
local rev = settle(moved)

local holding, passed = {}, {}
for id, register in pairs(candidates) do
  if register then
    holding[#holding + 1] = id
    holding[#holding + 1] = register
  else
    passed[#passed + 1] = id
  end
end
write('HDEL', JUMPS, passed)
write('HSET', JUMPS, holding)
if #holding > 0 then redis.call('EXPIRE', JUMPS, KEPT_SECONDS) end

local arrivals = redis.call('SMEMBERS', ARRIVALS)
return {applied, late, duplicate, implausible, arrivals, read(DRIVERS, arrivals), strangers, rev or false}
