-- The rule of quota.c. ARGV[4], ARGV[5]: what a request and a full bucket weigh in ns; ARGV[6]: ns
-- missing as the caller knows it. Nanoseconds since 1970 are beyond a Lua number: seconds apart.
-- Answers: memory, 1 if the request was taken, ns missing.
local each, size = tonumber(ARGV[4]), tonumber(ARGV[5])
local now_s, now_ns = math.floor(now / 1000000), now % 1000000 * 1000
local missing = 0
local kept = redis.call('GET', KEYS[1])

if kept then
	local full_s, full_ns = string.match(kept, '^(%d+) (%d+)$')
	missing = math.max((full_s - now_s) * 1000000000 + full_ns - now_ns, 0)
end
-- Taken without us: the emptier of the two is right.
if ARGV[3] ~= memory then
	missing = math.max(missing, tonumber(ARGV[6]))
end

local taken = missing + each <= size
if taken then
	missing = missing + each
end
local full = now_ns + missing
keep(string.format('%.0f %.0f', now_s + math.floor(full / 1000000000), full % 1000000000), missing / 1000)
return {tonumber(memory), taken and 1 or 0, missing}
