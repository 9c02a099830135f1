-- KEYS: stream.  ARGV: limit ('none', 'unread', 'latest'), its number, window in ms, then id, number of fields, fields.
-- Returns how many of the leading entries are stored; fewer than given if the stream is full.
local stream, limit, most, window = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Removes the entries that every group has acknowledged. Without a group, none was read.
local function trim()
    if redis.call('EXISTS', stream) == 0 then return end
    local groups = redis.call('XINFO', 'GROUPS', stream)
    if #groups == 0 then return end
    local least
    for _, info in ipairs(groups) do
        local group = {}
        for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
        local first = redis.call('XPENDING', stream, group['name'])[2]
        local ms, sequence = string.match(first or group['last-delivered-id'], '(%d+)-(%d+)')
        ms, sequence = tonumber(ms), tonumber(sequence)
        -- `MINID` keeps the entry it names.
        if not first then sequence = sequence + 1 end
        if not least or ms < least[1] or (ms == least[1] and sequence < least[2]) then
            least = {ms, sequence}
        end
    end
    redis.call('XTRIM', stream, 'MINID', '=', string.format('%.0f-%.0f', least[1], least[2]))
end

local stored, at, arguments = 0, 4, #ARGV
local room = limit == 'unread' and most - redis.call('XLEN', stream) or math.huge
while at < arguments do
    local last = at + 1 + 2 * ARGV[at + 1]
    local key = window > 0 and stream .. ':id:' .. ARGV[at]
    if not key or redis.call('EXISTS', key) == 0 then
        if room <= 0 then
            trim()
            room = most - redis.call('XLEN', stream)
            if room <= 0 then break end
        end
        if limit == 'latest' then
            redis.call('XADD', stream, 'MAXLEN', '~', most, '*', unpack(ARGV, at + 2, last))
        else
            redis.call('XADD', stream, '*', unpack(ARGV, at + 2, last))
        end
        if key then redis.call('SET', key, '', 'PX', window) end
        room = room - 1
    end
    stored = stored + 1
    at = last + 1
end
return stored
