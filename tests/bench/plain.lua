-- One request again and again; the totals as one line of JSON, exactly.
function done(summary)
	local e = summary.errors
	io.write(string.format('{"requests":%d,"bytes":%d,"us":%d,"status":%d,"read":%d,"write":%d,' ..
		'"connect":%d,"timeout":%d}\n', summary.requests, summary.bytes, summary.duration,
		e.status, e.read, e.write, e.connect, e.timeout))
end
