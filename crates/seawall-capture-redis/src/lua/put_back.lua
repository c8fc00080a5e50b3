-- Begins to give a batch back. Answers whether it was there.
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
begin_return(id)
return answer(1)
