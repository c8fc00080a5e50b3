-- Which of two versions is the newer, as in memory: number by number, a pre-release before its
-- release. What does not begin with a number has no order.

-- The numbers of a version and its pre-release, if it begins with a number.
local function split_version(version)
  version = string.match(string.gsub(version, '^v+', ''), '^[^+]*')
  local core, pre = string.match(version, '^([^-]*)-(.*)$')
  core, pre = core or version, pre or ''
  if not string.find(core, '^%d+%.') and not string.find(core, '^%d+$') then
    return nil
  end
  return core, pre
end

-- Byte by byte: `<` goes by the server's locale.
local function compare_texts(a, b)
  for at = 1, math.min(#a, #b) do
    local difference = string.byte(a, at) - string.byte(b, at)
    if difference ~= 0 then
      return difference
    end
  end
  return #a - #b
end

local function compare_parts(a, b)
  if string.find(a, '^%d+$') and string.find(b, '^%d+$') then
    -- As text, as a number with many digits is not exact.
    a, b = string.gsub(a, '^0+', ''), string.gsub(b, '^0+', '')
    if #a ~= #b then
      return #a - #b
    end
  end
  return compare_texts(a, b)
end

-- Part by part; of two that begin alike the shorter comes first.
local function compare_lists(a, b)
  local next_a, next_b = string.gmatch(a .. '.', '([^.]*)%.'), string.gmatch(b .. '.', '([^.]*)%.')
  while true do
    local part_a, part_b = next_a(), next_b()
    if not part_a or not part_b then
      return (part_a and 1 or 0) - (part_b and 1 or 0)
    end
    local difference = compare_parts(part_a, part_b)
    if difference ~= 0 then
      return difference
    end
  end
end

local function is_older(a, b)
  local a_core, a_pre = split_version(a)
  local b_core, b_pre = split_version(b)
  if not a_core or not b_core then
    return a ~= b
  end
  local difference = compare_lists(a_core, b_core)
  if difference ~= 0 then
    return difference < 0
  end
  if a_pre == '' or b_pre == '' then
    return a_pre ~= '' and b_pre == ''
  end
  return compare_lists(a_pre, b_pre) < 0
end

-- Whether one of the versions that are counted is the one with the fix, or newer.
local function is_broken_by(resolved, versions)
  if not resolved.version then
    return true
  end
  for at = 2, #versions, 2 do
    if not is_older(versions[at], resolved.version) then
      return true
    end
  end
  return false
end
