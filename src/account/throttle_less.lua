-- Takes ARGV[4] attempts back, as far as there are so many. ARGV[5]: the window in µs.
-- Answers: memory, count.
local kept = redis.call('GET', KEYS[1])
local count, last = string.match(kept or '0 0', '^(%d+) (%d+)$')

count = math.max(count - ARGV[4], 0)
if count > 0 then
	keep(string.format('%.0f %s', count, last), tonumber(ARGV[5]))
elseif kept then
	redis.call('DEL', KEYS[1])
end
return {tonumber(memory), count}
