-- What is done on the side, a bounded part of it by every operation that writes.

-- Gives back groups of a batch, the last taken first. Says how many are left.
local function give_back(id)
  local groups = PREFIX .. 'b:' .. id
  local left = redis.call('HLEN', groups)
  for _ = 1, math.min(left, SIDE) do
    left = left - 1
    local item = cmsgpack.unpack(redis.call('HGET', groups, left))
    redis.call('HDEL', groups, left)
    sum('in_flight', -item.group.count)
    fly(id, -item.group.count)
    absorb(name_of(item.name), item.group)
  end
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
  fly(id, 0 - other)
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
