-- Take out drivers who have been seen elsewhere since.
-- ARGV  …, driver, the order of its register elsewhere, driver, order, …
-- Returns for each '' if it is not (or no longer) here, or else the order of its register here, which is newer.
ensure_epoch()
local ids = {}
for k = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[k] end
local registers = read(DRIVERS, ids)
local answer, gone, gone_registers = {}, {}, {}
for k = 1, #ids do
  local order = registers[k] and string.sub(registers[k], 1, ORDER)
  if order and order > ARGV[2 + 2 * k] then
    answer[k] = order
  else
    answer[k] = ''
    if order then
      gone[#gone + 1] = ids[k]
      gone_registers[#gone] = registers[k]
    end
  end
end
take_out(gone, gone_registers)
return answer
