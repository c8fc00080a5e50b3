-- What was counted. Writes nothing.
local function counted(name)
  return tonumber(redis.call('HGET', SUMS, name) or 0)
end

return {
  counted('recorded'),
  counted('held'),
  counted('other'),
  counted('in_flight'),
  counted('delivered'),
  counted('expired'),
  counted('dropped'),
  redis.call('ZCARD', COUNT),
  counted('evicted'),
  counted('bytes'),
}
