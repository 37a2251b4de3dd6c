-- Signs in as nobody, each time another, and waits a second as Retry-After asks for.
function request()
	return wrk.format("POST", nil, {["Content-Type"] = "application/json"},
		string.format('{"email":"nobody%d@example.com","password":"not the password"}',
			math.random(1000000000)))
end

function delay()
	return 1000
end
