-- The retry budget of one dependency, over all workers: each one tells what it called, retried and holds in reserve,
-- and gets a larger reserve as long as the fleet's share of retries is not used up.
-- KEYS: buckets. ARGV: operation, arguments (JSON). backend/resilience/fleet/treasury.py is the same in Python.

local args = cjson.decode(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end

local calls, spent, held, alone, short = args.calls, args.spent, args.held, true, false
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local ok, bucket = pcall(cjson.decode, flat[i + 1])
  if not ok or bucket.at <= now - args.window then
    redis.call('HDEL', KEYS[1], flat[i])
  elseif flat[i] ~= args.worker then
    calls, spent = calls + bucket.calls, spent + bucket.spent
    if bucket.at > now - args.lease then
      held, alone = held + bucket.held, false
      short = short or bucket.denied > 0
    end
  end
end

local free = math.floor(math.max(args.minimum, args.ratio * calls) + 1e-9) - spent - held
local more = 0
if free > 0 and args.want > args.held then
  more = math.min(args.want - args.held, alone and free or math.ceil(free / 2))
end
redis.call('HSET', KEYS[1], args.worker, cjson.encode({
  calls = args.calls, spent = args.spent, held = args.held + more, denied = args.denied, at = now,
}))
redis.call('PEXPIRE', KEYS[1], args.window)
return cjson.encode({now = now, share = args.held + more, short = short})
