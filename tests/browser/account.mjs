// One's own account: profile, password, sessions.
import assert from "node:assert/strict";
import { assertNothingWrong, focused, look } from "./browser.mjs";
import { at, button, field, leave, link, signedIn } from "./steps.mjs";

export async function profile_and_menu(browser, server) {
	const page = await signedIn(browser, await server.account("profile"));
	await at(page, "Profile");
	await look(page, "profile");
	await page.setViewportSize({ width: 390, height: 844 });
	await button(page, "Menu Profile").click();
	await look(page, "menu-open");
	await page.setViewportSize({ width: 390, height: 844 });
	await link(page, "Sessions").click();
	await at(page, "Sessions");
	assert.equal(await page.getByRole("link", { name: "Security" }).isVisible(), false, "the menu closes");
	await leave(page);
}

export async function long_names(browser, server) {
	const long = { email: `${"x".repeat(64)}@${"sub-domain.".repeat(14)}example.com`, role: "user",
		password: "a long enough password" };
	await server.admin("POST", "/admin/organisations", { name: "Ä".repeat(99) });
	await server.admin("POST", "/admin/accounts", { ...long, organisation: "Ä".repeat(99) });
	const agent = "A".repeat(400);
	const page = await signedIn(browser, long, "/account", { userAgent: agent });
	await at(page, "Profile");
	await look(page, "profile-long");
	await button(page, "Change address").click();
	await look(page, "profile-address-long");
	await page.keyboard.press("Escape");
	await button(page, "Send a link to confirm it").click();
	await page.getByText("A link is on its way").waitFor();
	await look(page, "profile-link-sent-long");
	await page.goto("/account/sessions");
	await page.getByText("This session").waitFor();
	await look(page, "sessions-long");
	await leave(page);
}

const rows = (page) => page.getByRole("listitem").filter({ hasText: "last used" });

export async function sessions_are_listed_and_ended(browser, server) {
	const account = await server.account("sessions");
	const other = await signedIn(browser, account, "/account", { userAgent:
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1" });
	await server.login(account.email, account.password);
	const page = await signedIn(browser, account, "/account/sessions", { userAgent:
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" });
	await rows(page).nth(2).waitFor();
	assert.equal(await rows(page).count(), 3);
	const own = rows(page).filter({ hasText: "This session" });
	assert.match(await own.textContent(), /Firefox 143 on Linux/);
	assert.equal(await own.getByRole("button").count(), 0);
	await look(page, "sessions");

	// Escape leaves it be and gives the focus back; then it is ended.
	const end = button(page, "End session: Safari 18 on iPhone");
	await end.focus();
	await page.keyboard.press("Enter");
	await page.getByRole("dialog", { name: "End this session?" }).waitFor();
	assert.equal(await focused(page), "Cancel", "Enter alone destroys nothing");
	await look(page, "sessions-end");
	await page.keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "detached" });
	assert.equal(await focused(page), "End session: Safari 18 on iPhone");
	await page.keyboard.press("Enter");
	await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
	await page.getByText("The session has ended.").waitFor();
	assert.equal(await rows(page).count(), 2);
	assert.equal(await focused(page), "Sessions", "the button is gone: reading goes on at the top");
	await link(other, "Sessions").click();
	await at(other, "Sign in");

	await button(page, "End all others").click();
	await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
	await page.getByText("All other sessions have ended.").waitFor();
	assert.equal(await rows(page).count(), 1);
	await look(page, "sessions-alone");
	await leave(other);
	await leave(page);
}

export async function two_hundred_sessions(browser, server) {
	const account = await server.account("many");
	// What has that many is a licence's devices.
	await server.admin("POST", "/admin/products", { name: "many" });
	const { licence_key } = await server.admin("POST", "/admin/licences", { account: account.email, product: "many",
		max_devices: 500 });
	for (let i = 0; i < 200; i++)
		await server.api("POST", "/licences/activate", { licence_key,
			device: { name: `laptop ${i}`, os: "linux", arch: "amd64", fingerprint: `fingerprint-of-laptop-${i}` } });
	const page = await signedIn(browser, account, "/account/sessions");
	await page.getByRole("heading", { name: "201 sessions" }).waitFor();
	assert.equal(await rows(page).count(), 20);
	await look(page, "sessions-many");
	const search = field(page, "Search sessions");
	await search.fill("no such device");
	await page.getByText("Nothing matches “no such device”.").waitFor();
	await look(page, "sessions-none-found");
	await search.fill("CHROME");
	await page.getByText("1 found").waitFor();
	assert.equal(await rows(page).count(), 1);
	await search.fill("");
	await button(page, "Show all 201").click();
	await rows(page).nth(200).waitFor();
	assert.equal(await focused(page), (await rows(page).nth(20).textContent()).trim(), "reading goes on where it was");
	assertNothingWrong(page);
	await button(page, "End all others").click();
	await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
	await page.getByText("All other sessions have ended.").waitFor();
	assert.equal(await rows(page).count(), 1);
	await leave(page);
}

export async function password_is_changed(browser, server) {
	const account = await server.account("password");
	const page = await signedIn(browser, account, "/account/security");
	await at(page, "Security");
	const present = field(page, "Present password"), wanted = field(page, "New password");
	await wanted.fill("short");
	await page.getByText("3 more characters").waitFor();
	await button(page, "Change password").click();
	await page.getByText("Present password is missing").waitFor();
	await page.getByText("At least 8 characters are needed").waitFor();
	await look(page, "security-password");
	await present.fill("not this one");
	await wanted.fill("aaaaaaaaaaaa");
	await page.getByText("Easy to guess").waitFor();
	await wanted.fill("a wholly new pass phrase");
	await page.getByText("Strong").waitFor();
	await button(page, "Change password").click();
	await page.getByText("The present password is wrong.").waitFor();
	assert.equal(await focused(page), "Present password");
	await present.fill(account.password);
	await button(page, "Change password").click();
	await page.getByText("Your password is changed.").waitFor();
	assert.equal(await wanted.inputValue(), "");
	await look(page, "security-password-changed");
	// The session goes on, with new proofs.
	await button(page, "Sign out").click();
	await at(page, "Sign in");
	await leave(page);
	await leave(await signedIn(browser, { ...account, password: "a wholly new pass phrase" }));
}

export async function api_keys_are_made_rotated_and_revoked(browser, server) {
	const page = await signedIn(browser, await server.account("keys", "admin"), "/account/keys");
	await page.getByText("You have no API keys.").waitFor();
	await look(page, "keys-none");
	await button(page, "New key").click();
	assert.equal(await focused(page), "Name");
	await button(page, "Make the key").click();
	await page.getByText("Name is missing").waitFor();
	await field(page, "Name").fill("Build of the desktop client");
	await button(page, "Make the key").click();
	await page.getByText("Choose what the key may do").waitFor();
	await page.getByLabel("product.read", { exact: true }).check();
	await page.getByLabel("release.write", { exact: true }).check();
	await field(page, "Only from these networks").fill("127.0.0.0/8, office");
	await button(page, "Make the key").click();
	await page.getByText("“office” is not a network such as 203.0.113.0/24").waitFor();
	assert.equal(await focused(page), "Only from these networks");
	await look(page, "keys-new");
	await field(page, "Only from these networks").fill("127.0.0.0/8, 203.0.113.0/24");
	await button(page, "Make the key").click();
	await page.getByRole("dialog", { name: "Your new API key" }).waitFor();
	await look(page, "keys-made");
	const shown = async () => (await page.locator(".secret").textContent()).trim();
	const ask = (key) => server.request("GET", "/api/v1/me", undefined, { Authorization: `Bearer ${key}` });
	const first = await shown();
	assert.deepEqual((await ask(first)).json.permissions.sort(), ["product.read", "release.write"]);
	await button(page, "I have stored it").click();
	await page.getByText("2 permissions").click();
	await page.getByText("Only from 127.0.0.0/8, 203.0.113.0/24").waitFor();
	await look(page, "keys");
	assert.ok(!(await page.content()).includes(first), "it is shown once");

	await button(page, "Rotate API key: Build of the desktop client").click();
	await look(page, "keys-rotate");
	await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
	await page.getByRole("dialog", { name: "Your new API key" }).waitFor();
	const second = await shown();
	assert.notEqual(second, first);
	assert.deepEqual([(await ask(first)).status, (await ask(second)).status], [200, 200], "both live for a day");
	await button(page, "I have stored it").click();
	await page.getByText(/The former secret ends (in \d+ hours|tomorrow)/).waitFor();
	await look(page, "keys-rotated");
	await button(page, "Revoke API key: Build of the desktop client").click();
	await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
	await page.getByText("“Build of the desktop client” is revoked.").waitFor();
	assert.deepEqual([(await ask(first)).status, (await ask(second)).status], [401, 401]);
	await leave(page);
}

export async function two_hundred_keys(browser, server) {
	const account = await server.account("many-keys");
	const token = await server.login(account.email, account.password);
	const expires_at = new Date(Date.now() + 86400_000).toISOString();
	for (let i = 0; i < 200; i++)
		await server.api("POST", "/me/keys", { name: i === 77 ? "ö".repeat(100) : `Build ${i}`, permissions: ["self.read"], expires_at }, token);
	const page = await signedIn(browser, account, "/account/keys");
	await page.getByText("not used yet").nth(19).waitFor();
	await field(page, "Search API keys").fill("ÖÖÖ");
	await page.getByText("1 found").waitFor();
	await look(page, "keys-long-name");
	await button(page, `Revoke API key: ${"ö".repeat(100)}`).click();
	await look(page, "keys-long-name-revoke");
	await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
	await page.getByText("is revoked.").waitFor();
	await field(page, "Search API keys").fill("revoked");
	await page.getByText("1 found").waitFor();
	await leave(page);
}

export async function everybody_has_keys_of_their_own(browser, server) {
	await server.admin("POST", "/admin/keys", { name: "Of the administrator", permissions: ["account.read"] });
	const page = await signedIn(browser, await server.account("own-keys"));
	await at(page, "Profile");
	await link(page, "API keys").click();
	await page.getByText("You have no API keys.").waitFor();
	await button(page, "New key").click();
	assert.equal(await page.getByLabel("account.read", { exact: true }).count(), 0, "no more than one may oneself");
	await field(page, "Name").fill("Of mine");
	await page.getByLabel("product.read", { exact: true }).check();
	await button(page, "Make the key").click();
	await button(page, "I have stored it").click();
	await page.getByText("Of mine").waitFor();
	assert.equal(await page.getByText("Of the administrator").count(), 0);
	await leave(page);
}
