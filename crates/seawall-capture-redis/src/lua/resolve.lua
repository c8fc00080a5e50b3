-- Marks a group as resolved. Answers whether it is known.
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
local in_version, version = number(), arg()
entry.resolved = { version = in_version == 1 and version or nil }
if entry.group then
  entry.group.new, entry.group.regressed = false, false
end
store(name, entry)
return answer(1)
