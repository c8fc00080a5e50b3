-- The groups of some names, as far as something is held. Writes nothing.
local groups = {}
for _ = 1, number() do
  groups[#groups + 1] = held(name_of(arg()))
end
return groups
