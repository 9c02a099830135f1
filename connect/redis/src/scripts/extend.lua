-- KEYS: stream.  ARGV: group, consumer, then id, attempt.  Returns the number of leases that were lost.
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local lost = 0
for i = 3, #ARGV, 2 do
    local id = ARGV[i]
    local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
    if pending and pending[4] == tonumber(ARGV[i + 1]) then
        redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', 0, 'JUSTID')
    else
        lost = lost + 1
    end
end
return lost
