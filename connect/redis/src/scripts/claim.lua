-- KEYS: stream, due.  ARGV: group, consumer, lease in ms, limit, cursor.
-- Returns the next cursor, {id, attempt, fields} of each entry, and the ids of entries that were trimmed unread.
local stream, due, group, consumer, lease = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local claimed = redis.call('XAUTOCLAIM', stream, group, consumer, lease, ARGV[5], 'COUNT', ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local delayed = redis.call('EXISTS', due) == 1
local entries = {}
for _, entry in ipairs(claimed[2]) do
    local id = entry[1]
    local attempt = redis.call('XPENDING', stream, group, id, id, 1)[1][4]
    local at = delayed and tonumber(redis.call('ZSCORE', due, id) or 0) or 0
    if at > now then
        -- Not due: it waits for the rest of its time, without a change of its count.
        local idle = math.max(0, lease - (at - now))
        redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempt - 1, 'JUSTID')
    else
        if at > 0 then redis.call('ZREM', due, id) end
        entries[#entries + 1] = {id, attempt, entry[2]}
    end
end
return {claimed[1], entries, claimed[3] or {}}
