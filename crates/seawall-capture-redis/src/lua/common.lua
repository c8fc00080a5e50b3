-- What all scripts share. Each script is this text, spike.lua, version.lua, and its own.
--
-- All keys begin with one prefix, which holds the hash tag, so that they are in one slot of a
-- cluster. KEYS[1] names the slot; the keys of groups and batches are made from the prefix.

local next_arg = 0

local function arg()
  next_arg = next_arg + 1
  return ARGV[next_arg]
end

local function number()
  return tonumber(arg())
end

local PREFIX = arg()
local retention, life, lease = number(), number(), number()
local max_groups, max_bytes, new_for = number(), number(), number()
local spike_config = {
  bucket = number(),
  min_history = number(),
  min_volume = number(),
  deviations = number(),
  cool_down = number(),
}

local SUMS = KEYS[1]
local COUNT = PREFIX .. 'count'
local SEEN = PREFIX .. 'seen'
local RANK = PREFIX .. 'rank'
local TOUCHED = PREFIX .. 'touched'
local DORMANT = PREFIX .. 'dormant'
local SIZES = PREFIX .. 'sizes'
local ALIASES = PREFIX .. 'aliases'
local LEASES = PREFIX .. 'leases'
local FLYING = PREFIX .. 'flying'

-- How many names of a tally are counted one by one.
local MAX_TALLY = 16
-- How many groups an operation evicts, expires or gives back on the side: more than it can add,
-- and so few that the server is not held up.
local SIDE = 64
-- One power of two in RANK: more than any time in milliseconds until the year 2109.
local STEP = 2 ^ 42
local STEP_TEXT = string.format('%.0f', STEP)

-- The server's clock, in milliseconds.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function sum(name, by)
  if by ~= 0 then
    redis.call('HINCRBY', SUMS, name, by)
  end
end

-- Looks at every shared key, so that a key of another's type is found before anything is written.
local function look()
  for _, hash in ipairs({ SUMS, SIZES, ALIASES, FLYING }) do
    redis.call('HLEN', hash)
  end
  for _, set in ipairs({ COUNT, SEEN, RANK, TOUCHED, DORMANT, LEASES }) do
    redis.call('ZCARD', set)
  end
end

-- Lets the shared keys live as long as whatever was written last.
local function renew()
  if life > 0 then
    for _, key in ipairs({ SUMS, SIZES, ALIASES, FLYING, COUNT, SEEN, RANK, TOUCHED, DORMANT, LEASES }) do
      redis.call('PEXPIRE', key, life)
    end
  end
end

local function set(key, value)
  if life > 0 then
    redis.call('SET', key, value, 'PX', life)
  else
    redis.call('SET', key, value)
  end
end

-- ---- tallies: { other, name, count, name, count, .. }

local function tally_add(tally, name, count)
  for at = 2, #tally, 2 do
    if tally[at] == name then
      tally[at + 1] = tally[at + 1] + count
      return
    end
  end
  if #tally < 1 + 2 * MAX_TALLY then
    tally[#tally + 1] = name
    tally[#tally + 1] = count
  else
    tally[1] = tally[1] + count
  end
end

local function tally_merge(tally, other)
  for at = 2, #other, 2 do
    tally_add(tally, other[at], other[at + 1])
  end
  tally[1] = tally[1] + other[1]
end

-- ---- groups and entries
--
-- An entry is what is known of a name; its group is what is held, nil where it was taken.

-- Adds what `other` counted. A `last` of false is the same as `first`.
local function group_merge(group, other)
  group.count = group.count + other.count
  if other.last_seen >= group.last_seen then
    group.last_seen = other.last_seen
    group.last = other.last or other.first
  end
  if other.first_seen < group.first_seen then
    group.last = group.last or group.first
    group.first_seen = other.first_seen
    group.first = other.first
  end
  tally_merge(group.sources, other.sources)
  tally_merge(group.versions, other.versions)
  group.new = group.new or other.new
  group.regressed = group.regressed or other.regressed
end

local function key_of(name)
  return PREFIX .. 'g:' .. name
end

-- An entry, or nil: where there is none, and where the key holds something else.
local function read(name)
  local packed = redis.pcall('GET', key_of(name))
  if type(packed) == 'string' then
    local fine, entry = pcall(cmsgpack.unpack, packed)
    if fine and type(entry) == 'table' and entry.touched then
      return entry
    end
  end
  return nil
end

local function leave_lists(name)
  redis.call('ZREM', COUNT, name)
  redis.call('ZREM', SEEN, name)
  redis.call('ZREM', RANK, name)
  redis.call('ZREM', TOUCHED, name)
  sum('bytes', -tonumber(redis.call('HGET', SIZES, name) or 0))
  redis.call('HDEL', SIZES, name)
end

local function forget(name)
  leave_lists(name)
  redis.call('ZREM', DORMANT, name)
  redis.call('DEL', key_of(name))
end

-- Like read, for who is going to write. What lost its key, by its time to live or by the server's
-- eviction, is still in the lists, and is counted as expired.
local function fetch(name)
  local entry = read(name)
  if entry then
    return entry
  end
  local score = redis.call('ZSCORE', COUNT, name)
  if score then
    sum('held', tonumber(score))
    sum('expired', -tonumber(score))
    forget(name)
  end
  return nil
end

-- Where a group is in the order of eviction: by the power of two of its count, then by time.
local function rank(count, touched)
  local _, power = math.frexp(math.max(count, 1))
  return (power - 1) * STEP + touched
end

-- Writes an entry, together with its place in every list and its time to live.
local function store(name, entry)
  local packed = cmsgpack.pack(entry)
  set(key_of(name), packed)
  local group = entry.group
  if group then
    redis.call('ZREM', DORMANT, name)
    redis.call('ZADD', COUNT, -group.count, name)
    redis.call('ZADD', SEEN, -group.last_seen, name)
    redis.call('ZADD', RANK, rank(group.count, entry.touched), name)
    redis.call('ZADD', TOUCHED, entry.touched, name)
    sum('bytes', #packed - tonumber(redis.call('HGET', SIZES, name) or 0))
    redis.call('HSET', SIZES, name, #packed)
  else
    leave_lists(name)
    redis.call('ZADD', DORMANT, entry.touched, name)
  end
end

-- Takes the group out of an entry. A name that somebody muted or resolved is remembered.
local function drop_group(name, entry)
  entry.group = nil
  if entry.mute or entry.resolved then
    store(name, entry)
  else
    forget(name)
  end
end

-- Counts the group of `name` as something else than held.
local function retire(name, as)
  local entry = fetch(name)
  if entry and entry.group then
    sum('held', -entry.group.count)
    sum(as, entry.group.count)
    drop_group(name, entry)
  end
end

local function first_but(names, except)
  if names[1] == except then
    return names[2]
  end
  return names[1]
end

-- The next to be evicted: what came once and is no longer new, or is beyond a quarter of the
-- places; else the rarest; else what came once. Of each the one that came longest ago.
local function victim(except)
  local once = first_but(redis.call('ZRANGEBYSCORE', RANK, '-inf', '(' .. STEP_TEXT, 'LIMIT', 0, 2), except)
  if once then
    local age = now - tonumber(redis.call('ZSCORE', RANK, once))
    local many = redis.call('ZCOUNT', RANK, '-inf', '(' .. STEP_TEXT) * 4 > max_groups
    if age >= new_for or many then
      return once
    end
  end
  local rare = first_but(redis.call('ZRANGEBYSCORE', RANK, STEP_TEXT, '+inf', 'LIMIT', 0, 2), except)
  return rare or once
end

-- Evicts until the bounds hold, but not `name`.
local function make_room(name)
  for _ = 1, SIDE do
    local bytes = tonumber(redis.call('HGET', SUMS, 'bytes') or 0)
    if redis.call('ZCARD', COUNT) <= max_groups and bytes <= max_bytes then
      return
    end
    local evicted = victim(name)
    if not evicted then
      return
    end
    retire(evicted, 'other')
    sum('evicted', 1)
  end
end

-- What a name goes by that may have been merged.
local function name_of(name)
  return redis.call('HGET', ALIASES, name) or name
end

-- Counts a group that was taken, or that was merged into `name`.
local function absorb(name, group)
  local entry = fetch(name)
  if not entry then
    entry = { born = now, touched = now, group = group }
  elseif entry.group then
    group_merge(entry.group, group)
  else
    entry.group = group
    entry.touched = math.max(entry.touched, now)
  end
  sum('held', group.count)
  store(name, entry)
  make_room(name)
end

-- ---- what is done on the side, a bounded part of it by every operation that writes

-- Gives back groups of a batch. Says how many are left.
local function give_back(id)
  local list = PREFIX .. 'b:' .. id
  local items = redis.call('LRANGE', list, 0, SIDE - 1)
  redis.call('LTRIM', list, #items, -1)
  for _, packed in ipairs(items) do
    local item = cmsgpack.unpack(packed)
    sum('in_flight', -item.group.count)
    redis.call('HINCRBY', FLYING, id, -item.group.count)
    absorb(name_of(item.name), item.group)
  end
  local left = redis.call('LLEN', list)
  if left == 0 then
    -- Nothing, unless the server lost the batch.
    local lost = tonumber(redis.call('HGET', FLYING, id) or 0)
    sum('in_flight', -lost)
    sum('expired', lost)
    redis.call('HDEL', FLYING, id)
    redis.call('DEL', PREFIX .. 'h:' .. id)
    redis.call('ZREM', LEASES, id)
  end
  return left
end

-- From here on a batch can only be given back.
local function begin_return(id)
  local head = PREFIX .. 'h:' .. id
  local other = tonumber(redis.call('HGET', head, 'other') or 0)
  sum('in_flight', -other)
  sum('other', other)
  -- Not `-other`: minus zero is no integer to the server.
  redis.call('HINCRBY', FLYING, id, 0 - other)
  if redis.call('EXISTS', head) == 1 then
    redis.call('HSET', head, 'returning', 1, 'other', 0)
  end
  redis.call('ZADD', LEASES, 0, id)
end

local function housekeeping()
  if retention > 0 then
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', TOUCHED, '-inf', now - retention, 'LIMIT', 0, SIDE)) do
      retire(name, 'expired')
    end
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', DORMANT, '-inf', now - life, 'LIMIT', 0, SIDE)) do
      forget(name)
    end
  end
  local many = redis.call('ZCARD', DORMANT) - max_groups
  if many > 0 then
    for _, name in ipairs(redis.call('ZRANGE', DORMANT, 0, math.min(many, SIDE) - 1)) do
      forget(name)
    end
  end
  local over = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
  if over[1] then
    if tonumber(over[2]) > 0 then
      begin_return(over[1])
    end
    give_back(over[1])
  end
end

-- ---- operations that are applied once

-- Where the answer of this operation is remembered, and for how long.
local answer_key, answer_life

-- What the operation answered if it was applied before.
local function answered()
  answer_key, answer_life = PREFIX .. 'o:' .. arg(), number()
  local before = redis.call('GET', answer_key)
  return before and tonumber(before)
end

local function answer(value)
  redis.call('SET', answer_key, value, 'PX', answer_life)
  renew()
  return value
end
