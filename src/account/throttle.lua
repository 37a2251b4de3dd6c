-- The rule of throttle.c. ARGV[4]: attempts that are free, ARGV[5]: the window in µs; ARGV[6], ARGV[7]:
-- count and age in µs as the caller knows them.
-- Answers: memory, 1 if the attempt was counted, count, age in µs.
local free, window = tonumber(ARGV[4]), tonumber(ARGV[5])
local count, last = 0, 0
local kept = redis.call('GET', KEYS[1])

if kept then
	count, last = string.match(kept, '^(%d+) (%d+)$')
	count, last = tonumber(count), tonumber(last)
	if now - last > window then
		count, last = 0, 0
	end
end
-- Counted without us: what is known of it here and there is put together.
if ARGV[3] ~= memory and ARGV[6] ~= '0' then
	count = math.max(count, tonumber(ARGV[6]))
	last = math.max(last, now - tonumber(ARGV[7]))
end

local wait = 0
if count >= free then
	wait = last + math.min(1000000 * 2 ^ math.min(count - free, 20), window) - now
end
if wait <= 0 then
	count, last = count + 1, now
end
keep(string.format('%.0f %.0f', count, last), window)
return {tonumber(memory), wait <= 0 and 1 or 0, count, now - last}
