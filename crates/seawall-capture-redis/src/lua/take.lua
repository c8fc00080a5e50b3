-- Takes a page of groups into a batch, those that came most often first. A page that was taken
-- before is answered again.
--
-- Answers 0, the evicted, and the groups; 1 where the batch is gone; 2 where there are too many.
local id, page, most, max_batches = arg(), number(), number(), number()
local head, taken = PREFIX .. 'h:' .. id, PREFIX .. 'b:' .. id

local function answer_page(from, to)
  local groups = {}
  for at = from, to do
    local packed = redis.call('HGET', taken, at)
    if packed then
      local item = cmsgpack.unpack(packed)
      groups[#groups + 1] = group_reply(item.name, item.group, false, item.mute, item.resolved)
    end
  end
  return { 0, tonumber(redis.call('HGET', head, 'other') or 0), groups }
end

if redis.call('HGET', head, 'returning') then
  return { 1 }
end
local before = redis.call('HGET', head, 'page:' .. page)
if before then
  local from, to = string.match(before, '^(%d+):(-?%d+)$')
  return answer_page(tonumber(from), tonumber(to))
end

look()
housekeeping()
if page == 0 then
  if redis.call('ZCARD', LEASES) >= max_batches then
    return { 2 }
  end
  local other = total('other')
  sum('other', -other)
  sum('in_flight', other)
  redis.call('HSET', head, 'other', other)
  redis.call('HSET', FLYING, id, other)
elseif redis.call('EXISTS', head) == 0 then
  return { 1 }
end
redis.call('ZADD', LEASES, now + lease, id)

local from = redis.call('HLEN', taken)
local to = from - 1
for _, name in ipairs(most > 0 and redis.call('ZRANGE', COUNT, 0, most - 1) or {}) do
  local entry = fetch(name)
  local group = entry and entry.group
  if group then
    to = to + 1
    local item = { name = name, group = group, mute = entry.mute, resolved = entry.resolved }
    redis.call('HSET', taken, to, cmsgpack.pack(item))
    sum('held', -group.count)
    sum('in_flight', group.count)
    fly(id, group.count)
    entry.group = nil
    store(name, entry)
  end
end
redis.call('HSET', head, 'page:' .. page, from .. ':' .. to)
if life > 0 then
  redis.call('PEXPIRE', head, life)
  redis.call('PEXPIRE', taken, life)
end
renew()
return answer_page(from, to)
