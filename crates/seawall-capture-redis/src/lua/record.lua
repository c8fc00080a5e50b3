-- Counts what a client gathered: groups, what it evicted, what it dropped. Operations of a client
-- come one after the other under rising numbers; one that was applied before is not again.
-- Answers for each group whether it is muted.

-- Where failures with one fingerprint are kept apart: the group with this check, or the first
-- name that is free; the last name is shared.
local function find(names, check)
  local merged = redis.call('HGET', ALIASES, names[1])
  if merged then
    return merged, nil, fetch(merged)
  end
  for at, name in ipairs(names) do
    local entry = fetch(name)
    if not entry then
      return name, check, nil
    end
    entry.check = entry.check or check
    if at == #names or entry.check == check then
      return name, check, entry
    end
  end
end

local function count_muted(mute, count)
  if mute.since < 0 or now - mute.since >= mute.period then
    mute.since, mute.count = now, 0
  end
  mute.count = mute.count + count
  return mute.least >= 0 and mute.count >= mute.least
end

local function occur(names, check, group)
  local name, known_by, entry = find(names, check)
  if not entry then
    entry = { check = known_by, born = now, touched = now, spike = spike_new() }
    group.new = true
  end
  entry.touched = math.max(entry.touched, now)
  entry.spike = entry.spike or spike_new()
  spike_observe(entry.spike, group.count, now)
  if entry.mute and count_muted(entry.mute, group.count) then
    entry.mute = nil
  end
  if entry.resolved and is_broken_by(entry.resolved, group.versions) then
    entry.resolved = nil
    group.regressed = true
  end
  sum('recorded', group.count)
  sum('held', group.count)
  if entry.group then
    group_merge(entry.group, group)
  else
    entry.group = group
  end
  store(name, entry)
  make_room(name)
  return entry.mute and 1 or 0
end

local function tally()
  local names, read_tally = number(), { number() }
  for at = 1, names do
    read_tally[2 * at] = arg()
    read_tally[2 * at + 1] = number()
  end
  return read_tally
end

local client, operation, remembered = PREFIX .. 'w:' .. arg(), number(), number()
if tonumber(redis.call('GET', client) or 0) >= operation then
  return {}
end
look()
-- Before all else: a server that refuses to write does it here.
redis.call('SET', client, operation, 'PX', remembered)
housekeeping()

local other, dropped = number(), number()
sum('recorded', other + dropped)
sum('other', other)
sum('dropped', dropped)

local muted = {}
for at = 1, number() do
  local names = {}
  for n = 1, number() do
    names[n] = arg()
  end
  local check = arg()
  local group = { count = number(), first_seen = number(), last_seen = number(), first = arg(), last = arg() }
  if group.last == '' then
    group.last = false
  end
  group.sources, group.versions = tally(), tally()
  group.new, group.regressed = false, false
  muted[at] = occur(names, check, group)
end
renew()
return muted
