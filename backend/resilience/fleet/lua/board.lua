-- A board of notes that all workers write and each one reads from where it stopped. A note's name begins with its kind.
-- KEYS: notes, versions, head. ARGV: operation, arguments (JSON).
-- backend/resilience/fleet/board.py is the same in Python.

local args = cjson.decode(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local TYPES = {'hash', 'zset', 'hash'}
for i, wanted in ipairs(TYPES) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= wanted then redis.call('DEL', KEYS[i]) end
end

local era = redis.call('HGET', KEYS[3], 'era')
if not era or redis.call('EXISTS', KEYS[1]) ~= redis.call('EXISTS', KEYS[2]) then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  era = args.worker .. ':' .. now
  redis.call('HSET', KEYS[3], 'era', era, 'version', 0)
end

local function drop(names)
  if #names == 0 then return end
  redis.call('HDEL', KEYS[1], unpack(names))
  redis.call('ZREM', KEYS[2], unpack(names))
end

-- The oldest few: those whose time is up, and those for which there is no room.
local function tidy()
  local surplus = redis.call('ZCARD', KEYS[2]) - args.most
  if surplus > 0 then drop(redis.call('ZRANGE', KEYS[2], 0, math.min(surplus, 500) - 1)) end
  local old = {}
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, 19)) do
    local at = tonumber(string.match(redis.call('HGET', KEYS[1], name) or '', '^(%d+)|'))
    if not at or at <= now - args.keep then old[#old + 1] = name end
  end
  drop(old)
end

local names = {}
for name in pairs(args.notes) do names[#names + 1] = name end
table.sort(names)  -- so that the same notes get the same versions everywhere
local version
for _, name in ipairs(names) do
  version = redis.call('HINCRBY', KEYS[3], 'version', 1)
  redis.call('HSET', KEYS[1], name, now .. '|' .. args.notes[name])
  redis.call('ZADD', KEYS[2], version, name)
end
if #names > 0 then
  tidy()
  for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], args.keep) end
end

local since = args.era == era and args.since or 0
local news, last = {}, since
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, args.batch)
for i = 1, #found, 2 do
  last = tonumber(found[i + 1])
  local note = redis.call('HGET', KEYS[1], found[i])
  if note then news[#news + 1] = {found[i], string.match(note, '|(.*)$')} end
end
return cjson.encode({now = now, era = era, since = last, more = #found == 2 * args.batch, news = news})
