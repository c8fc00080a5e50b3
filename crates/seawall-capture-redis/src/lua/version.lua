-- Which of two versions is the older: number by number, a pre-release before its release. What is
-- no number is compared as text.

local function split_version(version)
  version = string.gsub(version, '^v+', '')
  version = string.match(version, '^[^+]*')
  local core, pre = string.match(version, '^([^-]*)-(.*)$')
  core, pre = core or version, pre or ''
  local parts = {}
  for part in string.gmatch(core .. '.', '([^.]*)%.') do
    parts[#parts + 1] = part
  end
  for part in string.gmatch(pre, '[^.]+') do
    parts[#parts + 1] = part
  end
  return parts, pre ~= ''
end

-- Below zero where `a` comes first. Byte by byte: `<` goes by the server's locale.
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

local function is_older(a, b)
  local a_parts, a_pre = split_version(a)
  local b_parts, b_pre = split_version(b)
  for at = 1, math.min(#a_parts, #b_parts) do
    local difference = compare_parts(a_parts[at], b_parts[at])
    if difference ~= 0 then
      return difference < 0
    end
  end
  if a_pre ~= b_pre then
    return a_pre
  end
  return #a_parts < #b_parts
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
