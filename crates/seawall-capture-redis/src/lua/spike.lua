-- When a group comes much more often than it used to: the same machine as that of the store in
-- memory, see `SpikeConfig`.

local HISTORY = 30

local function median(counts)
  table.sort(counts)
  return counts[math.floor(#counts / 2) + 1]
end

local function spike_new()
  return { history = {}, spiked = 0, count = 0, current = false, on = false, calm = 0 }
end

local function spike_threshold(spike)
  local len = #spike.history
  if len == 0 or len < spike_config.min_history then
    return nil
  end
  local counts = {}
  for at = 1, len do
    counts[at] = spike.history[at]
  end
  local middle = median(counts)
  for at = 1, len do
    counts[at] = math.abs(counts[at] - middle)
  end
  local deviation = math.max(median(counts) * 1.4826, 1)
  local over = math.floor(middle + spike_config.deviations * deviation)
  return math.max(math.min(over, 4294967295), spike_config.min_volume - 1)
end

local function spike_close(spike)
  local count, spiked = spike.count, spike.current
  spike.count, spike.current = 0, false
  if spiked then
    spike.calm = 0
    spike.spiked = spike.spiked + 1
    if spike.spiked == HISTORY then
      -- The level is the new one.
      spike.history, spike.spiked, spike.on = {}, 0, false
      spike.threshold = nil
    end
    return
  end
  if #spike.history == HISTORY then
    table.remove(spike.history, 1)
  end
  spike.history[#spike.history + 1] = count
  spike.spiked = 0
  spike.calm = spike.calm + 1
  if spike.calm >= spike_config.cool_down then
    spike.on = false
  end
end

-- Closes the buckets that are over. A clock that was set back closes none.
local function spike_roll(spike, at)
  if not spike.began then
    spike.began = at
    return
  end
  local over = math.floor((at - spike.began) / spike_config.bucket)
  if over <= 0 then
    return
  end
  -- Beyond the history, and the calm that ends a spike, further empty buckets change nothing.
  for _ = 1, math.min(over, HISTORY + math.min(spike_config.cool_down, HISTORY)) do
    spike_close(spike)
  end
  spike.began = spike.began + over * spike_config.bucket
  spike.threshold = spike_threshold(spike)
end

local function spike_observe(spike, count, at)
  spike_roll(spike, at)
  spike.count = math.min(spike.count + count, 4294967295)
  if spike.threshold and spike.count > spike.threshold and not spike.current then
    spike.current, spike.calm, spike.on = true, 0, true
  end
end

local function spike_is_on(spike, at)
  spike_roll(spike, at)
  return spike.on
end
