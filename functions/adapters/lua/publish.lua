-- Bring what is published of a city up to date, under one new revision. These keys are the published set's.
-- ARGV  …, epoch and revision to which the differences below are, epoch and revision of the exact state that is told of,
--       its drivers and the time of its last event as published, then for each precision: its index, "cell …" and by how
--       much the count of each differs "difference …"
-- Returns epoch, rev, and 'done'; or 'elsewhere': nothing was written, because the set stands elsewhere; or 'newer':
-- nothing was written, because a newer state has been published.
local epoch = ensure_epoch()
local held = redis.call('HMGET', META, 'rev', 'of_epoch', 'of_rev')
local rev = tonumber(held[1] or 0)
if held[2] == ARGV[5] and tonumber(held[3]) > tonumber(ARGV[6]) then return {epoch, rev, 'newer'} end
if epoch ~= ARGV[3] or rev ~= tonumber(ARGV[4]) then return {epoch, rev, 'elsewhere'} end

local new_rev
for k = 9, #ARGV, 3 do
  local change, difference = {}, string.gmatch(ARGV[k + 2], '%S+')
  for cell in string.gmatch(ARGV[k + 1], '%S+') do change[cell] = tonumber(difference()) end
  new_rev = add(tonumber(ARGV[k]), change, new_rev)
end
redis.call('HSET', META, 'of_epoch', ARGV[5], 'of_rev', ARGV[6], 'live', ARGV[7], 'last_event', ARGV[8])
return {epoch, new_rev or rev, 'done'}
