// What pages of other origins can have a browser do to this server while its person is signed in: every way
// to send a request there is × the requests that change something × where the page comes from. None changes
// anything, none reads anything, none signs anybody in.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { ADMIN } from "./server.mjs";
import { at, leave, signedIn } from "./steps.mjs";

const NEIGHBOUR = "a neighbour of the same site";

/** Pages of somebody else. "/307/PATH" and "/302/PATH" send on to the same path of our server. */
class Hostile {
	static async start(server) {
		const hostile = new Hostile();
		const answer = (request, response) => {
			const away = /^\/(302|303|307|308)(\/.*)/.exec(request.url);
			if (away) return response.writeHead(Number(away[1]), { Location: server.url + away[2] }).end();
			response.setHeader("Content-Type", "text/html");
			response.end("<!doctype html><title>Win a prize</title><body></body>");
		};
		const tls = { key: readFileSync(join(server.data, "tls/server.key")), cert: readFileSync(join(server.data, "tls/server.pem")) };
		// With our certificate, which the browser was told to trust: as a neighbour of the same site would have one.
		hostile.secure = createSecureServer(tls, answer);
		hostile.plain = createServer(answer);
		for (const one of [hostile.secure, hostile.plain]) await new Promise((done) => one.listen(0, "127.0.0.1", done));
		const [secure, plain] = [hostile.secure.address().port, hostile.plain.address().port];
		hostile.origins = {
			"another site": `https://127.0.0.1:${secure}`,
			[NEIGHBOUR]: `https://localhost:${secure}`,
			"the host without TLS": `http://localhost:${plain}`,
		};
		return hostile;
	}

	close() {
		for (const one of [this.secure, this.plain]) {
			one.closeAllConnections();
			one.close();
		}
	}
}

/** Requests that change something, with what would make them valid. */
function changes(account) {
	return [
		["DELETE", "/api/v1/me/sessions"],
		["DELETE", "/api/v1/me"],
		["POST", "/api/v1/auth/logout", "{}"],
		["POST", "/api/v1/me/password", JSON.stringify({ current_password: account.password, new_password: "taken over by another" })],
		["POST", "/api/v1/auth/step-up", JSON.stringify({ password: account.password })],
		["POST", "/api/v1/me/totp"],
		["POST", "/api/v1/me/keys", JSON.stringify({ name: "theirs", permissions: ["self.read"] })],
		["POST", "/api/v1/me/email", JSON.stringify({ email: "evil@example.com" })],
		["POST", "/api/v1/oauth/device", JSON.stringify({ user_code: account.userCode, approve: true })],
		["DELETE", "/api/v1/tokens/revoke", JSON.stringify({ account_id: account.id })],
		["POST", "/api/v1/auth/login", JSON.stringify({ ...ADMIN, session: "cookie" })],
		["PUT", "/api/v1/admin/uploads/evil.run", "#!/bin/sh\n"],
	];
}

/** In the hostile page: each way to send one request. */
const ways = {
	"fetch without CORS": (url, method, body) => fetch(url, { method: method === "GET" ? "GET" : "POST", body, mode: "no-cors", credentials: "include" }),
	"fetch with CORS, text": (url, method, body) => fetch(url, { method, body, credentials: "include", headers: { "Content-Type": "text/plain" } }),
	"fetch with CORS, JSON": (url, method, body) => fetch(url, { method, body, credentials: "include", headers: { "Content-Type": "application/json" } }),
	"fetch with a guessed token": (url, method, body) => fetch(url, { method, body, credentials: "include", headers: { "X-CSRF-Token": "A".repeat(43), "Content-Type": "application/json" } }),
	"fetch through a redirect": (url, method, body) => fetch(location.origin + "/307" + new URL(url).pathname, { method: "POST", body, mode: "no-cors", credentials: "include" }),
	"XMLHttpRequest": (url, method, body) => new Promise((done) => {
		const request = new XMLHttpRequest();
		request.onloadend = done;
		request.open(method, url);
		request.withCredentials = true;
		request.send(body);
	}),
	"a beacon": async (url, method, body) => navigator.sendBeacon(url, new Blob([body ?? ""], { type: "text/plain" })),
	"a form": (url, method, body) => window.submitForm(url, "application/x-www-form-urlencoded", body),
	"a form of text": (url, method, body) => window.submitForm(url, "text/plain", body),
	"a form with a file": (url, method, body) => window.submitForm(url, "multipart/form-data", body),
	"a form through a redirect": (url, method, body) => window.submitForm(location.origin + "/307" + new URL(url).pathname, "text/plain", body),
	"a form in a sandbox": (url, method, body) => window.submitForm(url, "text/plain", body, "allow-forms allow-scripts"),
	"an image": (url) => window.load("img", "src", url),
	"a script": (url) => window.load("script", "src", url),
	"a style": (url) => window.load("link", "href", url),
	"a frame": (url) => window.load("iframe", "src", url),
	"an object": (url) => window.load("object", "data", url),
};

/** Defined in each hostile page. */
function tools() {
	window.load = (kind, attribute, url) => new Promise((done) => {
		const element = document.createElement(kind);
		element.onload = element.onerror = done;
		if (kind === "link") element.rel = "stylesheet";
		element[attribute] = url;
		document.body.append(element);
		setTimeout(done, 700); // a frame that is refused may tell nobody
	});
	let frames = 0;
	window.submitForm = (url, enctype, body, sandbox) => new Promise((done) => {
		const frame = Object.assign(document.createElement("iframe"), { name: `frame${++frames}` });
		if (sandbox) frame.sandbox = sandbox;
		const form = Object.assign(document.createElement("form"), { method: "POST", enctype, action: url, target: frame.name });
		// text/plain sends NAME=VALUE as it is: JSON with an equals sign in a string.
		const end = (body ?? "{}").slice(0, -1);
		const field = Object.assign(document.createElement("input"), { type: "hidden", name: `${end},"x":"`, value: '"}' });
		form.append(field);
		if (sandbox) frame.srcdoc = `${form.outerHTML.replace("target=", "data-x=")}<script>document.forms[0].submit()</script>`;
		document.body.append(frame, form);
		frame.onload = () => setTimeout(done, 0);
		if (!sandbox) form.submit();
		setTimeout(done, 700);
	});
}

async function tryEverything(other, server, account) {
	const all = changes(account).flatMap(([method, path, body]) => Object.values(ways).map((way) =>
		`(${way})(${JSON.stringify(server.url + path)}, ${JSON.stringify(method)}, ${JSON.stringify(body)})?.catch?.(() => {})`));
	await Promise.all(all.map((attempt) => other.evaluate(attempt).catch(() => {})));
}

/** What a page of that origin can learn. */
function tryToRead(other, server) {
	return other.evaluate(async (url) => {
		const read = [];
		for (const path of ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/openapi.json", "/api/v1/auth/providers"]) {
			await fetch(url + path, { credentials: "include" }).then((r) => r.text()).then((t) => read.push(t), () => {});
			await fetch(url + path).then((r) => r.text()).then((t) => read.push(t), () => {});
		}
		const opened = window.open(url + "/account");
		try { read.push(opened?.document.title); } catch { /* as it should be */ }
		opened?.close();
		for (const path of ["/api/v1/notifications", "/api/v1/me"])
			await new Promise((done) => {
				const socket = new WebSocket(url.replace("https", "wss") + path);
				socket.onopen = () => { read.push(`WebSocket of ${path}`); done(); };
				socket.onerror = socket.onclose = done;
			});
		await new Promise((done) => {
			const events = new EventSource(url + "/api/v1/notifications", { withCredentials: true });
			events.onopen = () => { read.push("EventSource"); done(); };
			events.onerror = () => { events.close(); done(); };
		});
		return read.filter(Boolean);
	}, server.url);
}

export async function another_site_changes_and_reads_nothing(browser, server) {
	await attack(browser, server, "another site");
}

/** Its requests bring the cookie along: SameSite does not tell origins apart. */
export async function a_neighbour_of_the_same_site_changes_and_reads_nothing(browser, server) {
	await attack(browser, server, NEIGHBOUR);
}

export async function the_host_without_tls_changes_and_reads_nothing(browser, server) {
	await attack(browser, server, "the host without TLS");
}

async function attack(browser, server, name) {
	const hostile = await Hostile.start(server);
	try {
		await attackFrom(browser, server, name, hostile.origins[name]);
	} finally {
		hostile.close();
	}
}

async function attackFrom(browser, server, name, origin) {
	const account = await server.account(`victim-of-${name.replaceAll(" ", "-")}`);
	const begun = await server.request("POST", "/api/v1/oauth/device_authorization", new URLSearchParams({ client_id: "slipway-cli" }));
	account.userCode = begun.json.user_code;
	const page = await signedIn(browser, account, "/account/sessions");
	const cookies = await page.context().cookies(server.url);
	const asked = [], dropped = [];
	const other = await page.context().newPage();
	page.context().on("response", (r) => {
		if (r.url().startsWith(server.url)) asked.push({ method: r.request().method(), path: new URL(r.url()).pathname, status: r.status(), headers: r.headers() });
	});
	// Answers that no page of theirs may have: the browser drops them, and tells so.
	page.context().on("requestfailed", (r) => {
		if (r.url().startsWith(server.url) && r.failure().errorText.includes("BLOCKED_BY_RESPONSE")) dropped.push(r.method());
	});
	const before = await actionsOf(server, account);
	await other.goto(origin + "/");
	await other.evaluate(tools);
	await tryEverything(other, server, account);
	assert.deepEqual(await tryToRead(other, server), [], name);
	await leads(other, server, origin);

	const changing = asked.filter(({ method }) => !["GET", "HEAD", "OPTIONS"].includes(method));
	const arrived = changing.length + dropped.filter((method) => method !== "GET").length;
	assert.ok(arrived >= 100, `${name}: ${arrived} changes have been tried`);
	const through = changing.filter(({ status }) => status < 400).map(({ method, path, status }) => `${method} ${path} ${status}`);
	assert.deepEqual(through, [], name);
	for (const { path, headers } of asked)
		assert.deepEqual(Object.keys(headers).filter((h) => h.startsWith("access-control-")), [], `${name}: ${path}`);
	// A neighbour of the same site has the cookie sent: it is the proofs that keep it out.
	if (name === NEIGHBOUR)
		assert.ok(changing.some(({ path, status }) => path === "/api/v1/me/password" && status === 403));
	assert.deepEqual(await actionsOf(server, account), before, `${name}: nothing was done in their name`);
	assert.deepEqual(await page.context().cookies(server.url), cookies, `${name}: nor were they signed in as another`);
	await page.reload();
	await page.getByText("This session").waitFor();
	await server.login(account.email, account.password);
	await leave(page);
}

/** Being led here by a link, a redirect or a form that sends itself, with nothing but GET harmless. */
async function leads(other, server, origin) {
	for (const status of [302, 303, 307, 308]) {
		await other.goto(origin + "/");
		const led = other.waitForURL(server.url + "/api/v1/auth/logout");
		await other.evaluate((to) => {
			const form = Object.assign(document.createElement("form"), { method: "POST", action: to, enctype: "text/plain" });
			document.body.append(form);
			form.submit();
		}, `${origin}/${status}/api/v1/auth/logout`);
		await led;
	}
	await other.goto(`${origin}/302/account`);
	await at(other, "Profile");
}

/** Everything the audit log has of them but what was refused. */
async function actionsOf(server, account) {
	const found = await server.admin("GET", `/admin/audit?limit=200&actor=${account.id}`);
	return found.items.filter(({ outcome }) => outcome !== "refused").map((entry) => `${entry.action} ${entry.object}`);
}
