-- Compare the sum over the cells with the live drivers, at every precision.
-- Returns live, drivers by last seen, then the sum at each precision.
local answer = {redis.call('HLEN', DRIVERS), redis.call('ZCARD', SEEN)}
for i = 1, #precisions do
  local sum = 0
  for _, count in ipairs(redis.call('HVALS', counts_of(i))) do sum = sum + tonumber(count) end
  answer[#answer + 1] = sum
end
return answer
