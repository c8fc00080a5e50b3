-- Counts one group as part of another, now and from now on. Answers whether it did.
local before = answered()
if before then
  return before
end
look()
local from, into, max_aliases = name_of(arg()), name_of(arg()), number()
if from == into or not read(into) or redis.call('HLEN', ALIASES) >= max_aliases then
  return answer(0)
end
-- Merges are kept flat.
local aliases = redis.call('HGETALL', ALIASES)
for at = 1, #aliases, 2 do
  if aliases[at + 1] == from then
    redis.call('HSET', ALIASES, aliases[at], into)
  end
end
redis.call('HSET', ALIASES, from, into)
local entry = fetch(from)
local group = entry and entry.group
if group then
  sum('held', -group.count)
end
forget(from)
if group then
  absorb(into, group)
end
return answer(1)
