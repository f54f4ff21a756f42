-- Drivers are at home here, and counted nowhere else.
-- ARGV  …, driver, driver, …
local ids, gone = {}, {}
for k = 3, #ARGV do ids[#ids + 1] = ARGV[k] end
for k, register in ipairs(read(DRIVERS, ids)) do
  if not register then gone[#gone + 1] = ids[k] end
end
write('SREM', ARRIVALS, ids)
-- The tick that took them out may have had their home forgotten before it was noted: the next one sees to it.
write('SADD', SILENT, gone)
return 1
