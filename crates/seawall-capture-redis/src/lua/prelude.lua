-- What every script begins with. Each script is this text, those of its parts that it needs, and its own.
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

-- The version of the shape of what is stored. It rises with every change that a script of another
-- version can't read.
local SHAPE = '2'

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

-- The server's clock, in milliseconds.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Whatever is written is what is, not what changed. A server that is killed while it appends to its
-- file may find half of a script there when it starts again. It leaves that out, and goes on behind
-- it; the start after that one takes both for one transaction. So what half a script wrote comes
-- before what the same operation wrote when it was sent again, and must not add to it.

local totals = {}

local function total(name)
  totals[name] = totals[name] or tonumber(redis.call('HGET', SUMS, name) or 0)
  return totals[name]
end

local function sum(name, by)
  if by ~= 0 then
    totals[name] = total(name) + by
    redis.call('HSET', SUMS, name, string.format('%.0f', totals[name]))
  end
end

-- Occurrences of a batch in flight.
local function fly(id, by)
  local flying = tonumber(redis.call('HGET', FLYING, id) or 0) + by
  redis.call('HSET', FLYING, id, string.format('%.0f', flying))
end

-- Looks at every shared key, so that a key of another's type is found before anything is written.
local function look()
  for _, hash in ipairs({ SUMS, SIZES, ALIASES, FLYING }) do
    redis.call('HLEN', hash)
  end
  for _, set in ipairs({ COUNT, SEEN, RANK, TOUCHED, DORMANT, LEASES }) do
    redis.call('ZCARD', set)
  end
  local shape = redis.call('HGET', SUMS, 'shape')
  if not shape and redis.call('HLEN', SUMS) == 0 then
    redis.call('HSET', SUMS, 'shape', SHAPE)
  elseif shape ~= SHAPE then
    error('the keys are of shape ' .. (shape or '1') .. ', and ' .. SHAPE .. ' is what is known')
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
