-- Drivers are at home here from now on, if they were at home nowhere or still are where they were read to be.
-- KEYS  homes;  ARGV  this city, driver, the city it was read to be at home in or '', driver, city, …
-- Returns for each '', or else the other city that it is at home in.
local answer = {}
for k = 2, #ARGV, 2 do
  local home = redis.call('HGET', KEYS[1], ARGV[k])
  if not home or home == ARGV[k + 1] then
    redis.call('HSET', KEYS[1], ARGV[k], ARGV[1])
    home = ARGV[1]
  end
  answer[k / 2] = home ~= ARGV[1] and home or ''
end
return answer
