-- Note what a tick has sent, so that the next one goes on from there.
-- ARGV  …, fencing token, revision, then for each precision with viewports: its name, the number of tiles, the tiles
-- Returns 1, or 0 if another broadcaster has taken over or the state was born again meanwhile.
local held = redis.call('HMGET', META, 'token', 'epoch')
if tonumber(held[1] or 0) ~= tonumber(ARGV[3]) or held[2] ~= ARGV[2] then return 0 end
local rev = ARGV[4]
local at = 5
while at <= #ARGV do
  local precision, n = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for i = 1, #precisions do
    if precisions[i] == precision and redis.call('HEXISTS', META, 'sent:' .. precision) == 1 then
      local fragments = {}
      for k = 1, n do
        fragments[2 * k - 1] = ARGV[at + 1 + k]
        fragments[2 * k] = rev
      end
      write('HSET', fragments_of(i), fragments)
      redis.call('HSET', META, 'sent:' .. precision, rev)
    end
  end
  at = at + 2 + n
end
return 1
