-- Note how far a shard has been read; a batch that is delivered again does not lead back.
-- KEYS  checkpoints
-- ARGV  shard, sequence number: digits, too many of them for a number of Lua's
local noted = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if #ARGV[2] > #noted or #ARGV[2] == #noted and ARGV[2] > noted then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
