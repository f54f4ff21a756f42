-- Drop what is published of a city, unless somebody watches it. These keys are the published set's.
-- Returns 1 if somebody does, or else 0.
for i = 1, #precisions do
  if redis.call('EXISTS', viewports_of(i)) == 1 then return 1 end
end
redis.call('DEL', unpack(KEYS))
return 0
