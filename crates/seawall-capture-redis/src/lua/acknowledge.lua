-- Forgets a batch that arrived. Answers whether it was there.
local before = answered()
if before then
  return before
end
look()
local id = arg()
local head = PREFIX .. 'h:' .. id
if redis.call('EXISTS', head) == 0 or redis.call('HGET', head, 'returning') then
  return answer(0)
end
local count = tonumber(redis.call('HGET', FLYING, id) or 0)
sum('in_flight', -count)
sum('delivered', count)
redis.call('HDEL', FLYING, id)
redis.call('ZREM', LEASES, id)
redis.call('UNLINK', head, PREFIX .. 'b:' .. id)
housekeeping()
return answer(1)
