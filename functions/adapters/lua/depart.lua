-- Take out drivers who have been seen elsewhere since.
-- ARGV  …, driver, its register elsewhere, driver, register, …
-- Returns for each '' if it is not (or no longer) here, or else its register here, which is newer.
ensure_epoch()
local ids = {}
for k = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[k] end
local answer, gone, registers = {}, {}, {}
for k, register in ipairs(read(DRIVERS, ids)) do
  if register and register > ARGV[2 + 2 * k] then
    answer[k] = register
  else
    answer[k] = ''
    if register then
      gone[#gone + 1] = ids[k]
      registers[#gone] = register
    end
  end
end
take_out(gone, registers)
return answer
