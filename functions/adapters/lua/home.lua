-- Which other city drivers were last at home in; those at home nowhere are at home here from now on.
-- KEYS  homes;  ARGV  this city, driver, driver, …
-- Returns for each the other city, or ''.
local answer = {}
for k = 2, #ARGV do
  local home = redis.call('HGET', KEYS[1], ARGV[k])
  if not home then redis.call('HSET', KEYS[1], ARGV[k], ARGV[1]) end
  answer[k - 1] = (home and home ~= ARGV[1]) and home or ''
end
return answer
