-- The names of groups in the order of a list, from one place to another. Writes nothing.
local list = PREFIX .. arg()
return redis.call('ZRANGE', list, arg(), arg())
