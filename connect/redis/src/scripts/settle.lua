-- KEYS: stream, due, dead.  ARGV: group, consumer, lease in ms, whether to delete, the number of accepted entries and
-- their ids, then id, attempt, verb, argument of each other one.
-- Returns the number of entries that this consumer does not hold any more.
local stream, due, dead = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, lease, delete = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local stale, others = 0, 6 + ARGV[5]

-- Handled is handled, whoever holds the entry now. The caller gives fewer ids than fit on the stack of a script.
local function remove(first, last)
    stale = stale + last - first + 1 - redis.call('XACK', stream, group, unpack(ARGV, first, last))
    redis.call('ZREM', due, unpack(ARGV, first, last))
    if delete then redis.call('XDEL', stream, unpack(ARGV, first, last)) end
end

local function holds(id, attempt)
    local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
    return pending and pending[4] == attempt
end

local function give_back(id, idle, attempt)
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempt, 'JUSTID')
end

local function bury(at, id, attempt, cause)
    local entry = redis.call('XRANGE', stream, id, id)[1]
    local fields = entry and entry[2] or {}
    -- The stack of a script is bounded.
    if #fields > 7000 then fields = {'stage-fields', cmsgpack.pack(fields)} end
    remove(at, at)
    redis.call('XADD', dead, '*', 'stage-id', id, 'stage-stream', stream, 'stage-group', group,
        'stage-attempts', attempt, 'stage-cause', cause, unpack(fields))
end

if others > 6 then remove(6, others - 1) end
for i = others, #ARGV, 4 do
    local id, attempt, verb, argument = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
    if not holds(id, attempt) then
        stale = stale + 1
    elseif verb == 'dead' then
        bury(i, id, attempt, argument)
    elseif verb == 'release' then
        give_back(id, lease, attempt - 1)
    else
        local after = tonumber(argument)
        if after > lease then
            local time = redis.call('TIME')
            redis.call('ZADD', due, time[1] * 1000 + math.floor(time[2] / 1000) + after, id)
        end
        give_back(id, math.max(0, lease - after), attempt)
    end
end
return stale
