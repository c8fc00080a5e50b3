-- Mutes a group, or ends that. Answers whether it is known.
local before = answered()
if before then
  return before
end
look()
local name = name_of(arg())
local entry = fetch(name)
if not entry then
  return answer(0)
end
local muted, least, period = number(), number(), number()
if muted == 1 then
  entry.mute = { least = least, period = period, since = -1, count = 0 }
else
  entry.mute = nil
end
store(name, entry)
return answer(1)
