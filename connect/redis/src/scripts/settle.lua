-- KEYS: stream, due, dead.  ARGV: group, consumer, lease in ms, whether to delete, then id, attempt, verb, argument.
-- Returns the number of entries that this consumer does not hold any more.
local stream, due, dead = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, lease, delete = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stale = 0

local function remove(id)
    if redis.call('XACK', stream, group, id) == 0 then return false end
    redis.call('ZREM', due, id)
    return true
end

local function holds(id, attempt)
    local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
    return pending and pending[4] == attempt
end

local function give_back(id, idle, attempt)
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempt, 'JUSTID')
end

local function bury(id, attempt, cause)
    local entry = redis.call('XRANGE', stream, id, id)[1]
    local fields = entry and entry[2] or {}
    -- The stack of a script is bounded.
    if #fields > 7000 then fields = {'stage-fields', cmsgpack.pack(fields)} end
    remove(id)
    redis.call('XADD', dead, '*', 'stage-id', id, 'stage-stream', stream, 'stage-group', group,
        'stage-attempts', attempt, 'stage-cause', cause, unpack(fields))
end

for i = 5, #ARGV, 4 do
    local id, attempt, verb, argument = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
    if verb == 'accept' then
        -- Handled is handled, whoever holds the entry now.
        if not remove(id) then stale = stale + 1 end
        if delete then redis.call('XDEL', stream, id) end
    elseif not holds(id, attempt) then
        stale = stale + 1
    elseif verb == 'dead' then
        bury(id, attempt, argument)
        if delete then redis.call('XDEL', stream, id) end
    elseif verb == 'release' then
        give_back(id, lease, attempt - 1)
    else
        local after = tonumber(argument)
        if after > lease then redis.call('ZADD', due, now + after, id) end
        give_back(id, math.max(0, lease - after), attempt)
    end
end
return stale
