-- A group as the client reads it.

local function tally_reply(tally)
  local names, counts = {}, {}
  for at = 2, #tally, 2 do
    names[#names + 1] = tally[at]
    counts[#counts + 1] = tally[at + 1]
  end
  return { tally[1], names, counts }
end

local function flag(value)
  return value and 1 or 0
end

local function group_reply(name, group, spiking, mute, resolved)
  return {
    name,
    { group.count, group.first_seen, group.last_seen },
    { group.first, group.last or '' },
    { flag(group.new), flag(group.regressed), flag(spiking) },
    mute and { mute.least, mute.period } or {},
    resolved and { resolved.version or false } or {},
    tally_reply(group.sources),
    tally_reply(group.versions),
  }
end

-- The group of a name, unless nothing is held or its time is over.
local function held(name)
  local entry = read(name)
  if not entry or not entry.group then
    return nil
  end
  if retention > 0 and now - entry.touched >= retention then
    return nil
  end
  local spiking = entry.spike and spike_is_on(entry.spike, now)
  return group_reply(name, entry.group, spiking, entry.mute, entry.resolved)
end
