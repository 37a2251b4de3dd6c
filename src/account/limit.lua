-- The first lines of every script. ARGV[1]: the time in µs, or 0 for this Redis's own, as the nodes'
-- clocks differ. KEYS[2] names this Redis's memory, so that one that has forgotten everything is
-- noticed; ARGV[2] names it if nobody has yet. ARGV[3]: the memory in which the caller's last count was.
local function read_clock()
	if ARGV[1] ~= '0' then
		return tonumber(ARGV[1])
	end
	local t = redis.call('TIME')
	return t[1] * 1000000 + t[2]
end

local function read_memory()
	local memory = redis.call('GET', KEYS[2])
	if not memory then
		memory = ARGV[2]
		redis.call('SET', KEYS[2], memory)
	end
	return memory
end

-- Expiry only tidies up: the rules look at the time themselves, and a minute more keeps it out of
-- their way.
local function keep(text, life_us)
	redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', life_us / 1000 + 60000))
end

local now, memory = read_clock(), read_memory()

