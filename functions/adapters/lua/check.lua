-- Compare the sum over the cells with the live drivers, at every precision.
-- Returns epoch, rev, live, last_event, drivers by last seen, then for each precision that is counted itself, the sum
-- and the cells in use. Of a state that is kept for other precisions these are tallied.
local is_kept = are_kept()
local epoch, rev, live, last_event = stamp()
local answer = {epoch, rev, live, last_event, redis.call('ZCARD', SEEN)}
for i = 1, #precisions do
  if is_counted[i] then
    local sum, cells = 0, 0
    for _, count in pairs(is_kept and redis.call('HVALS', counts_of(i)) or tally(precisions[i])) do
      local n = tonumber(count)
      sum = sum + n
      if n ~= 0 then cells = cells + 1 end
    end
    answer[#answer + 1] = precisions[i]
    answer[#answer + 1] = sum
    answer[#answer + 1] = cells
  end
end
return answer
