-- Move drivers to where their newest pings say they are.
-- ARGV  …, time of the newest ping's receipt, the last sweep of any city, then driver, register, driver, register, …
-- Returns applied, late, duplicate, {arrival…}, {register of the arrival…}.
ensure_epoch()
-- A city that is new has not been swept itself; a driver who fell silent elsewhere does not come back through it.
local swept_to = redis.call('HGET', META, 'swept_to') or ''
if ARGV[4] > swept_to then swept_to = ARGV[4] end
if ARGV[3] > (redis.call('HGET', META, 'last_event') or '') then redis.call('HSET', META, 'last_event', ARGV[3]) end

local sub, cell_end = string.sub, CELL + finest - 1
local ids = {}
for k = 5, #ARGV, 2 do ids[#ids + 1] = ARGV[k] end
local known = read(DRIVERS, ids)

local newest = {}
local moved, arrived = {}, {}
local applied, late, duplicate = 0, 0, 0
for k = 1, #ids do
  local id = ids[k]
  local register = ARGV[4 + 2 * k]
  local old = newest[id] or known[k]
  if old and register <= old then
    if register == old then duplicate = duplicate + 1 else late = late + 1 end
  elseif sub(register, 1, TIME) <= swept_to then
    late = late + 1
  else
    applied = applied + 1
    newest[id] = register
    local cell = sub(register, CELL, cell_end)
    local left = old and sub(old, CELL, cell_end)
    if left ~= cell then
      moved[cell] = (moved[cell] or 0) + 1
      if left then moved[left] = (moved[left] or 0) - 1 else arrived[#arrived + 1] = id end
    end
  end
end

local registers, seen = {}, {}
local n = 0
for id, register in pairs(newest) do
  registers[n + 1], registers[n + 2] = id, register
  seen[n + 1], seen[n + 2] = sub(register, 1, TIME), id
  n = n + 2
end
write('HSET', DRIVERS, registers)
write('ZADD', SEEN, seen)
write('SADD', ARRIVALS, arrived)
settle(moved)

local arrivals = redis.call('SMEMBERS', ARRIVALS)
return {applied, late, duplicate, arrivals, read(DRIVERS, arrivals)}
