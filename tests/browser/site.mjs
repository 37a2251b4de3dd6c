// What holds for the whole site: the policy, unknown paths, themes, and what the pages say when the
// network or the server is away. The last test stops the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assertNothingWrong, look } from "./browser.mjs";
import { ROOT, waitUntil } from "./server.mjs";
import { at, button, field, fillSignIn, leave, link, signedIn } from "./steps.mjs";

export async function unknown_paths_are_a_page_for_people(browser, server) {
	const page = await browser.visit("/no-such-page");
	await page.getByRole("heading", { name: "Page not found" }).waitFor();
	await look(page, "not-found");
	await link(page, "Go to your account").click();
	await at(page, "Sign in");
	await leave(page);
	for (const path of ["/no-such-page", "/sign-in/", "/account/", "/index.html", "/assets/", "/accounts", "/src/main.tsx"]) {
		const answer = await server.request("GET", path, undefined, { Accept: "text/html" });
		assert.equal(answer.status, 404, path);
		assert.match(answer.headers["content-security-policy"], /trusted-types 'none'/);
	}
	assert.equal((await server.request("GET", "/no-such-page")).json.code, "not_found");
}

/** As somebody whose role lacks a permission. Every role there is has those of today's pages. */
async function withoutPermission(page, permission) {
	await page.route("**/api/v1/me", async (route) => {
		const response = await route.fetch();
		const me = await response.json();
		await route.fulfill({ response, json: { ...me, permissions: me.permissions?.filter((p) => p !== permission) } });
	});
}

export async function a_page_one_may_not_open_says_what_is_missing(browser, server) {
	const account = await server.account("reader");
	const page = await browser.visit("/account/keys", { ignoreHTTPSErrors: true });
	await at(page, "Sign in");
	await withoutPermission(page, "self.write");
	await fillSignIn(page, account);
	await at(page, "Not permitted");
	await page.getByText("You may not open “API keys”").waitFor();
	assert.deepEqual(await page.getByRole("definition").allTextContents(), [account.email, "user", "the permission self.write"]);
	await look(page, "not-permitted");
	assert.equal(await link(page, "API keys").count(), 0, "nor is it in the menu");
	await link(page, "Go to your account").click();
	await at(page, "Profile");
	await page.goBack();
	await at(page, "Not permitted");
	await page.unroute("**/api/v1/me");
	await button(page, "Sign in as somebody else").click();
	await at(page, "Sign in");
	await fillSignIn(page, await server.account("writer"));
	await at(page, "API keys");
	assertNothingWrong(page);
	await leave(page);
}

export async function who_must_have_a_factor_is_led_to_it(browser, server) {
	const page = await browser.visit("/account/keys", { ignoreHTTPSErrors: true });
	await withoutPermission(page, "self.write");
	await fillSignIn(page, await server.account("reader-to-enrol", "guest"));
	await at(page, "Authenticator app");
	await page.goto("/account/keys");
	await at(page, "Not permitted");
	await page.getByText("Your account must have a second factor before you can do this.").waitFor();
	await look(page, "not-permitted-factor");
	await link(page, "Set up a second factor").click();
	await at(page, "Security");
	assertNothingWrong(page);
	await leave(page);
}

export async function nginx_and_the_table_of_pages_agree(browser, server) {
	const table = readFileSync(join(ROOT, "web/src/routes.ts"), "utf8");
	const paths = [...table.matchAll(/path: "([^"]+)"/g)].map((m) => m[1]);
	assert.ok(paths.length > 3);
	for (const path of paths) {
		const answer = await server.request("GET", path);
		assert.equal(answer.status, 200, path);
		assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
		assert.equal(answer.headers["cache-control"], "no-cache");
	}
}

export async function the_policy_holds(browser) {
	const page = await browser.visit("/sign-in");
	const tried = await page.evaluate(async () => {
		const violated = [];
		document.addEventListener("securitypolicyviolation", (e) => violated.push(e.effectiveDirective));
		const refused = (run) => { try { run(); return false; } catch { return true; } };
		const result = {
			html: refused(() => { document.body.innerHTML = "<b>x</b>"; }),
			type: refused(() => trustedTypes.createPolicy("any", {})),
		};
		const script = document.createElement("script");
		script.append("window.inline = true");
		document.body.append(script);
		const style = document.createElement("style");
		style.append("body { display: none }");
		document.body.append(style);
		const image = new Image();
		image.src = "https://example.invalid/x.png";
		await fetch("https://example.invalid/").catch(() => {});
		await new Promise((done) => setTimeout(done));
		return { ...result, inline: window.inline === true, hidden: getComputedStyle(document.body).display === "none",
			isolated: window.crossOriginIsolated, violated: [...new Set(violated)].sort() };
	});
	assert.deepEqual({ ...tried, violated: undefined }, { html: true, type: true, inline: false, hidden: false,
		isolated: true, violated: undefined });
	for (const directive of ["connect-src", "img-src", "style-src-elem"])
		assert.ok(tried.violated.includes(directive), `${directive} in ${tried.violated}`);
	await leave(page);
}

export async function theme_is_kept(browser, server) {
	const page = await signedIn(browser, await server.account("theme"));
	const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
	const light = await ground();
	await button(page, "Theme: system").click();
	await button(page, "Theme: light").click();
	await button(page, "Theme: dark").waitFor();
	const dark = await ground();
	assert.notEqual(dark, light);
	await page.reload();
	await button(page, "Theme: dark").waitFor();
	assert.equal(await ground(), dark);
	await button(page, "Sign out").click(); // clears what the site has stored
	await at(page, "Sign in");
	await page.reload();
	await button(page, "Theme: dark").click();
	await button(page, "Theme: system").waitFor();
	assert.equal(await ground(), light);
	await leave(page);
}

export async function offline(browser, server) {
	const page = await signedIn(browser, await server.account("offline"));
	await at(page, "Profile");
	await page.context().setOffline(true);
	await page.getByText("You are offline.").waitFor();
	await link(page, "Sessions").click();
	await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
	await look(page, "offline");
	await page.context().setOffline(false);
	await button(page, "Try again").click();
	await page.getByText("This session").waitFor();
	assert.equal(await page.getByText("You are offline.").count(), 0);
	await leave(page);
}

export async function a_server_out_of_reach_is_asked_again(browser, server) {
	const account = await server.account("out-of-reach");
	const page = await signedIn(browser, account, "/account/sessions");
	await page.route("**/api/v1/me", (route) => route.abort());
	await page.reload();
	await at(page, "No connection");
	await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
	await look(page, "no-connection");
	await button(page, "Try again").click();
	await at(page, "No connection");
	await page.unroute("**/api/v1/me");
	await at(page, "Sessions"); // by itself
	assertNothingWrong(page);
	await leave(page);
}

export async function slow_answers(browser, server) {
	const page = await signedIn(browser, await server.account("slow"));
	let go;
	const later = new Promise((done) => { go = done; });
	await page.route("**/api/v1/me/sessions?*", async (route) => {
		await later;
		await route.continue();
	});
	await link(page, "Sessions").click();
	await page.getByRole("status").getByText("Loading sessions …").waitFor();
	await look(page, "loading");
	go();
	await page.getByText("This session").waitFor();
	assert.equal(await page.getByText("Loading").count(), 0);

	// Sent once, however often one clicks.
	let sent = 0;
	await page.route("**/api/v1/me/password", async (route) => {
		sent++;
		await waitUntil(() => clicked, "all clicks");
		await route.continue();
	});
	let clicked = false;
	await link(page, "Security").click();
	await field(page, "Present password").fill("wrong");
	await field(page, "New password").fill("wrong as well, but long");
	for (let i = 0; i < 3; i++) await button(page, "Change password").click({ force: true });
	clicked = true;
	await page.getByText("The present password is wrong.").waitFor();
	assert.equal(sent, 1);
	await leave(page);
}

export async function server_down(browser, server) {
	const account = await server.account("down");
	const page = await signedIn(browser, account, "/account/sessions");
	const stranger = await browser.visit("/sign-in");
	await page.getByText("This session").waitFor();
	await server.stop();
	try {
		await fillSignIn(stranger, account);
		await stranger.getByRole("alert").getByText("The server cannot be reached.").waitFor();
		await look(stranger, "sign-in-server-down");
		await link(page, "Security").click();
		await at(page, "Security");
		await button(page, "Sign out").click();
		await page.locator(".toast").getByText("The server cannot be reached.").waitFor();
		await look(page, "sign-out-server-down");
		await button(page, "Dismiss").click();
		assert.equal(await page.locator(".toast").count(), 0);
	} finally {
		await server.serve();
	}
	await button(stranger, "Sign in").click();
	await at(stranger, "Profile");
	await button(page, "Sign out").click();
	await at(page, "Sign in");
	await leave(stranger);
	await leave(page);
}
