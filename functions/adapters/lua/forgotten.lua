-- Drivers gone silent are at home nowhere now; who has come back in between arrives anew.
-- ARGV  …, driver, driver, …
local ids, back = {}, {}
for k = 3, #ARGV do ids[#ids + 1] = ARGV[k] end
for k, register in ipairs(read(DRIVERS, ids)) do
  if register then back[#back + 1] = ids[k] end
end
write('SADD', ARRIVALS, back)
write('SREM', SILENT, ids)
return 1
