-- Groups, and the lists that they are in.

-- How many names of a tally are counted one by one.
local MAX_TALLY = 16
-- How many groups an operation evicts, expires or gives back on the side: more than it can add,
-- and so few that the server is not held up.
local SIDE = 64
-- One power of two in RANK: more than any time in milliseconds until the year 2109.
local STEP = 2 ^ 42
local STEP_TEXT = string.format('%.0f', STEP)

-- A tally is { other, name, count, name, count, .. }.

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

-- Like read, for callers that are going to write. What lost its key, by its time to live or by the server's
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
    if redis.call('ZCARD', COUNT) <= max_groups and total('bytes') <= max_bytes then
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
