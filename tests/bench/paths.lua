-- Each request asks for the next line of a file: FILE FROM COUNT. Stops when they are used up.
local paths, at = {}, 0

function init(args)
	local from, count = tonumber(args[2]), tonumber(args[3])
	local n = 0
	for line in io.lines(args[1]) do
		n = n + 1
		if n > from + count then break end
		if n > from then paths[#paths + 1] = wrk.format("GET", line) end
	end
end

function request()
	at = at + 1
	if at >= #paths then
		at = #paths
		wrk.thread:stop()
	end
	return paths[at]
end

dofile((debug.getinfo(1, "S").source:match("^@(.*)paths%.lua$") or "") .. "plain.lua")
