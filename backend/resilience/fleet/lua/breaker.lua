-- The arbiter of one breaker. Every decision that the fleet shares is made here, in one step, by the server's clock.
-- KEYS: state, counts, audit. ARGV: operation, arguments (JSON), channel. Times are milliseconds since the epoch.
-- backend/resilience/fleet/arbiter.py is the same in Python; the two are tested against each other.

local args = cjson.decode(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local OVERRIDES = {forced_open = true, disabled = true, metrics_only = true}
local SLACK = 250  -- an override's end, seen through a worker's clock, may come early by so much
local MANUAL_KEPT, AUDIT_KEPT, AUDIT_SECONDS = 16, 200, 2592000

local function decoded(text)
  if type(text) ~= 'string' then return nil end
  local ok, value = pcall(cjson.decode, text)
  if ok and type(value) == 'table' then return value end
  return nil
end

-- What somebody else has put under our key is as good as nothing.
local s = decoded(redis.pcall('GET', KEYS[1])) or {}
if s.record and not (type(s.record) == 'table' and s.record.generation and s.record.state) then s = {} end
if redis.call('TYPE', KEYS[2]).ok ~= 'hash' then redis.call('DEL', KEYS[2]) end
s.fence, s.leases, s.succeeded, s.run = s.fence or 0, s.leases or {}, s.succeeded or 0, s.run or 0
s.manual = s.manual or {}
local changed = false

local function generation() return s.record and s.record.generation or 0 end
local function state() return s.record and s.record.state or 'closed' end

local function publish(message)
  message.name, message.at, message.by = args.name, now, args.worker
  redis.call('PUBLISH', ARGV[3], cjson.encode(message))
end

-- When the first permit comes back, where all are out.
local function held_until()
  if #s.leases == 0 or #s.leases + s.succeeded < (s.permits or 1) then return nil end
  local soonest
  for _, lease in ipairs(s.leases) do
    if not soonest or lease.ends < soonest then soonest = lease.ends end
  end
  return soonest
end

local function take(record)
  s.record, s.leases, s.succeeded, s.run, s.due, s.failing = record, {}, 0, s.run + 1, nil, nil
  redis.call('DEL', KEYS[2])
  changed = true
end

local function announce()
  publish({kind = 'record', record = s.record, held = held_until()})
end

-- The one who asks stands at a number of its own that came of a decision we do not know: ours goes above it, so that
-- the asker takes ours for news.
local function renumber(floor)
  s.record.generation = floor + 1
  changed = true
  announce()
end

local function settle_lineage()
  if args.floor and s.record and args.floor >= generation() and args.base ~= s.record.decision
      and args.base ~= s.record.base then
    renumber(args.floor)
  end
end

local function drop_ended_leases()
  local kept = {}
  for _, lease in ipairs(s.leases) do
    if lease.ends > now then kept[#kept + 1] = lease else changed = true end
  end
  s.leases = kept
end

-- Tokens begin anew when the server has lost its memory, so a token alone is nobody's.
local function is_ours(lease, fence)
  return lease.fence == fence and lease.worker == args.worker
end

-- Whether the present state must not give way to a move that a worker made on its own.
local function stands()
  if OVERRIDES[state()] then
    return not s.record['until'] or s.record['until'] - now > SLACK
  end
  if state() ~= 'half_open' then return false end
  drop_ended_leases()
  return #s.leases > 0
end

-- Whether the asker holds a permit of the present half-open state: what became of the probe decides, by whatever
-- number the asker knew that state.
local function is_of_a_probe()
  if state() ~= 'half_open' then return false end
  drop_ended_leases()
  for _, lease in ipairs(s.leases) do
    for _, fence in ipairs(args.fences or {}) do
      if is_ours(lease, fence) then return true end
    end
  end
  return false
end

local function stamped(given)
  return {
    state = given.state, generation = given.generation, decision = given.decision, changed_at = now - given.age,
    open_ms = given.open_ms, level = given.level, failures = given.failures, reason = given.reason,
    author = given.author, ['until'] = given.until_in and now + given.until_in,
  }
end

local function grant(milliseconds)
  s.fence = s.fence + 1
  s.leases[#s.leases + 1] = {fence = s.fence, worker = args.worker, ends = now + milliseconds}
  changed = true
  return s.fence
end

local function was_decided(decision)
  for _, known in ipairs(s.manual) do
    if known == decision then return true end
  end
  return s.record ~= nil and s.record.decision == decision
end

local function note_decision(record)
  s.manual[#s.manual + 1] = record.decision
  if #s.manual > MANUAL_KEPT then table.remove(s.manual, 1) end
  if redis.call('TYPE', KEYS[3]).ok ~= 'list' then redis.call('DEL', KEYS[3]) end
  redis.call('LPUSH', KEYS[3], cjson.encode({
    at = now, name = args.name, state = record.state, generation = record.generation, reason = record.reason,
    author = record.author, ['until'] = record['until'], worker = args.worker,
  }))
  redis.call('LTRIM', KEYS[3], 0, AUDIT_KEPT - 1)
  redis.call('EXPIRE', KEYS[3], AUDIT_SECONDS)
end

local operations = {}

-- A worker tells what it has decided. A person's decision is taken always, a newer number than ours mostly.
function operations.propose()
  local given = args.record
  if was_decided(given.decision) then
    -- Retold. Who stands at a higher number than ours with it gets that number, or a higher one for what came after it.
    if given.generation > generation() then
      renumber(s.record.decision == given.decision and given.generation - 1 or given.generation)
    end
    return {accepted = true}
  end
  if given.manual or is_of_a_probe() then
    given.generation = math.max(given.generation, generation() + 1)
    take(stamped(given))
    if given.manual then note_decision(s.record) end
  elseif given.generation <= generation() then
    settle_lineage()
    return {accepted = false}
  elseif stands() then
    renumber(math.max(given.generation, args.floor or 0))
    return {accepted = false}
  else
    take(stamped(given))
  end
  announce()
  return {accepted = true}
end

-- May the asker send a probe? The first one after the break makes the circuit half-open.
function operations.lease()
  local given = args.record
  if s.permits ~= args.permits then s.permits, changed = args.permits, true end
  if given and given.generation > generation() and not stands() then take(stamped(given)) end
  settle_lineage()
  local first = state() == 'open'
  if first then
    local left = s.record.changed_at + s.record.open_ms - now
    if left > 0 then return {granted = false, wait = left} end
    local next_one = generation() + 1
    take({
      state = 'half_open', generation = next_one, decision = 'probe:' .. args.worker .. ':' .. next_one,
      changed_at = now, open_ms = 0, level = s.record.level, failures = s.record.failures,
      reason = 'time to try again', base = s.record.decision,
    })
  end
  if state() ~= 'half_open' then return {granted = false, wait = 0} end
  drop_ended_leases()
  if #s.leases + s.succeeded >= args.permits then
    return {granted = false, wait = math.max(0, (held_until() or now) - now)}
  end
  local fence = grant(args.lease)
  if first or #s.leases + s.succeeded >= args.permits then announce() end
  return {granted = true, fence = fence}
end

local function without(fence)
  for position, lease in ipairs(s.leases) do
    if is_ours(lease, fence) then
      table.remove(s.leases, position)
      changed = true
      return true
    end
  end
  return false
end

-- A probe has ended. Successes of all workers together close the circuit.
function operations.release()
  if state() ~= 'half_open' or not without(args.fence) then return {} end
  if args.succeeded then s.succeeded = s.succeeded + 1 end
  if s.succeeded >= args.permits then
    local next_one = generation() + 1
    take({
      state = 'closed', generation = next_one, decision = 'probe:' .. args.worker .. ':' .. next_one,
      changed_at = now, open_ms = 0, level = 0, failures = 0, reason = 'probe succeeded',
    })
    announce()
  else
    publish({kind = 'free', generation = generation()})
  end
  return {}
end

-- A probe goes on. A permit that we do not know, because we have lost our memory, is given anew while there is room.
function operations.renew()
  if state() ~= 'half_open' or generation() ~= args.generation then return {} end
  drop_ended_leases()
  for _, lease in ipairs(s.leases) do
    if is_ours(lease, args.fence) then
      lease.ends = math.max(lease.ends, now + args.lease)
      changed = true
      return {fence = lease.fence}
    end
  end
  if #s.leases + s.succeeded >= args.permits then return {} end
  return {fence = grant(args.lease)}
end

-- Takes in a worker's bucket. Failures in a row belong to a run, which ends with a success anywhere in the fleet;
-- of an older run's bucket only what the worker has counted since it last told us can belong to the present one.
local function count(bucket)
  local failures, in_a_row = bucket.failures, args.limits.threshold
  if in_a_row then
    if bucket.succeeded and bucket.run >= s.run then
      s.run = bucket.run + 1
      redis.call('DEL', KEYS[2])
      changed = true
    elseif bucket.run > s.run then
      s.run, changed = bucket.run, true
    elseif bucket.run < s.run then
      failures = bucket.fresh
    end
  end
  if (in_a_row and failures or bucket.calls) == 0 then
    redis.call('HDEL', KEYS[2], args.worker)
    return
  end
  redis.call('HSET', KEYS[2], args.worker, cjson.encode({
    calls = bucket.calls, failures = failures, slow = bucket.slow, run = in_a_row and s.run, at = now,
  }))
  redis.call('PEXPIRE', KEYS[2], args.horizon)
end

-- All buckets together, and without the asker's own.
local function totals()
  local all, others = {calls = 0, failures = 0, slow = 0}, {calls = 0, failures = 0, slow = 0}
  local flat = redis.call('HGETALL', KEYS[2])
  for i = 1, #flat, 2 do
    local bucket = decoded(flat[i + 1])
    if not bucket or bucket.at <= now - args.horizon or (bucket.run and bucket.run ~= s.run) then
      redis.call('HDEL', KEYS[2], flat[i])
    else
      for _, kind in ipairs({'calls', 'failures', 'slow'}) do
        all[kind] = all[kind] + bucket[kind]
        if flat[i] ~= args.worker then others[kind] = others[kind] + bucket[kind] end
      end
    end
  end
  return all, others
end

local function is_enough(all)
  local limits = args.limits
  if limits.threshold then return all.failures >= limits.threshold end
  if all.calls < limits.minimum_calls then return false end
  if all.failures / all.calls >= limits.failure_rate then return true end
  return limits.slow_rate ~= nil and all.slow / all.calls >= limits.slow_rate
end

local function trip(all)
  local next_one = generation() + 1
  take({
    state = 'open', generation = next_one, decision = 'fleet:' .. args.worker .. ':' .. next_one, changed_at = now,
    open_ms = args.open_ms, level = 0, failures = all.failures,
    reason = all.failures .. ' failures in the fleet' .. (args.reason and ', last: ' .. args.reason or ''),
  })
  announce()
end

-- Enough failures open the circuit only when they stand for a moment: time for all to hear and tell of successes.
local function judge(all)
  if state() ~= 'closed' or not is_enough(all) then
    if s.due then s.due, changed = nil, true end
    return false
  end
  if s.due and now >= s.due then
    trip(all)
    return false
  end
  if s.due then return false end
  s.due, changed = now + args.settle, true
  return true
end

function operations.sync()
  settle_lineage()
  local counts = args.limits and args.generation == generation()
      and (state() == 'closed' or state() == 'metrics_only')
  if not counts then return {} end
  local run = s.run
  if args.bucket then count(args.bucket) end
  local all, others = totals()
  local news, before = judge(all), generation()
  if before ~= args.generation then return {} end
  if args.limits.threshold then
    local failing = all.failures > 0
    if failing ~= (s.failing or false) then s.failing, changed, news = failing, true, true end
    news = news or s.run ~= run
  end
  if news then publish({kind = 'counts', generation = before, run = s.run, all = all}) end
  return {counted = true, run = s.run, others = others, wait = s.due and math.max(1, s.due - now)}
end

local reply = operations[ARGV[1]]()
if changed then
  redis.call('SET', KEYS[1], cjson.encode(s), 'PX', args.keep)
elseif s.record and redis.call('PTTL', KEYS[1]) < args.keep / 2 then
  redis.call('PEXPIRE', KEYS[1], args.keep)
end
reply.now, reply.record, reply.held = now, s.record, held_until()
return cjson.encode(reply)
