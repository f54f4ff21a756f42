-- Note what a tick has sent, so that the next one goes on from there.
-- ARGV  …, fencing token, revision, 1 if this is the tick's last call, then for each precision with viewers: its name, how
--       many extents, the extents
-- Returns 1, or 0 if another broadcaster has taken over or the state was born again meanwhile.
local held = redis.call('HMGET', META, 'token', 'epoch')
if tonumber(held[1] or 0) ~= tonumber(ARGV[3]) or held[2] ~= ARGV[2] then return 0 end
local rev = ARGV[4]
local at = 6
while at <= #ARGV do
  local precision, n = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for i = 1, #precisions do
    if precisions[i] == precision and redis.call('HEXISTS', META, 'sent:' .. precision) == 1 then
      local extents, noted = {}, {}
      for k = 1, n do extents[k] = ARGV[at + 1 + k] end
      -- One that its last viewer has left meanwhile stays forgotten.
      for k, known in ipairs(read(viewports_of(i), extents)) do
        if known then
          noted[#noted + 1] = extents[k]
          noted[#noted + 1] = rev
        end
      end
      write('HSET', viewports_of(i), noted)
      if ARGV[5] == '1' then redis.call('HSET', META, 'sent:' .. precision, rev) end
    end
  end
  at = at + 2 + n
end
return 1
