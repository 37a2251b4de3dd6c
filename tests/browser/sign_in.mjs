// Sign-in with a password, sign-out, and the end of a session seen from the page.
import assert from "node:assert/strict";
import { assertNothingWrong, focused, look } from "./browser.mjs";
import { at, button, field, fillSignIn, forgetProof, leave, link, path, signedIn } from "./steps.mjs";

export async function empty_form_names_what_is_missing(browser) {
	const page = await browser.visit("/sign-in");
	await look(page, "sign-in");
	assert.equal(await focused(page), "E-mail address");
	await button(page, "Sign in").click();
	await page.getByText("E-mail address is missing").waitFor();
	await page.getByText("Password is missing").waitFor();
	assert.equal(await focused(page), "E-mail address");
	assert.equal(await field(page, "E-mail address").getAttribute("aria-invalid"), "true");
	const described = await field(page, "E-mail address").getAttribute("aria-describedby");
	assert.equal(await page.locator(`[id="${described}"]`).textContent(), "E-mail address is missing");
	await look(page, "sign-in-missing");
	await field(page, "E-mail address").fill("someone");
	await field(page, "Password").fill("x");
	await page.keyboard.press("Enter");
	await page.getByText("This is not an e-mail address").waitFor();
	await leave(page);
}

export async function wrong_password_is_said_aloud(browser) {
	const page = await browser.visit("/sign-in");
	await fillSignIn(page, { email: "nobody@example.com", password: "wrong" });
	const alert = page.getByRole("alert");
	await alert.waitFor();
	assert.match(await alert.textContent(), /password/i);
	assert.equal(path(page), "/sign-in");
	await look(page, "sign-in-wrong");
	await leave(page);
}

export async function too_many_attempts_say_how_long_to_wait(browser, server) {
	const { email } = await server.account("guessed");
	const page = await browser.visit("/sign-in");
	const alert = page.getByRole("alert");
	const isThrottled = async () => (await alert.count()) > 0 && /Too many/.test(await alert.textContent());
	for (let i = 0; i < 10 && !(await isThrottled()); i++) {
		const answer = page.waitForResponse((r) => r.url().endsWith("/auth/login"));
		await fillSignIn(page, { email, password: `guess ${i}` });
		await answer;
		await alert.waitFor();
		await page.locator("form[aria-busy=false]").waitFor();
	}
	assert.match(await alert.textContent(), /^Too many attempts. Try again in \d+ (seconds?|minutes)\.$/);
	await look(page, "sign-in-throttled");
	await leave(page);
}

export async function a_password_can_be_shown(browser) {
	const page = await browser.visit("/sign-in");
	await field(page, "Password").fill("secret words");
	await button(page, "Show password").click();
	assert.equal(await field(page, "Password").getAttribute("type"), "text");
	assert.equal(await field(page, "Password").inputValue(), "secret words");
	await field(page, "Password").press("a");
	assert.equal(await page.getByText("Caps Lock is on").count(), 0);
	await field(page, "Password").dispatchEvent("keyup", { key: "A", modifierCapsLock: true });
	await page.getByText("Caps Lock is on").waitFor();
	await look(page, "sign-in-caps");
	await leave(page);
}

export async function fields_say_what_belongs_into_them(browser, server) {
	const filled = async (page) => Object.fromEntries(await page.locator("input[autocomplete]").evaluateAll(
		(all) => all.map((i) => [i.name, i.autocomplete])));
	const page = await browser.visit("/sign-in");
	await at(page, "Sign in");
	assert.deepEqual(await filled(page), { email: "username webauthn", password: "current-password" });
	await link(page, "Forgot your password?").click();
	assert.deepEqual(await filled(page), { email: "username" });
	await page.goto("/reset-password#any");
	assert.deepEqual(await filled(page), { password: "new-password" });
	await leave(page);
	const own = await signedIn(browser, await server.account("filled-in"), "/account/security");
	await at(own, "Security");
	assert.deepEqual(await filled(own), { username: "username", current: "current-password", password: "new-password" });
	await own.goto("/enrol");
	await field(own, "Code").waitFor();
	assert.deepEqual(await filled(own), { otp: "one-time-code" });
	await leave(own);
}

export async function keyboard_alone_signs_in_and_out(browser, server) {
	const account = await server.account("keyboard");
	const page = await browser.visit("/sign-in");
	await at(page, "Sign in");
	await page.keyboard.type(account.email);
	await page.keyboard.press("Tab");
	assert.equal(await focused(page), "Password");
	await page.keyboard.type(account.password);
	await page.keyboard.press("Enter");
	await at(page, "Profile");
	// The new page's heading has the focus: reading goes on there.
	assert.equal(await focused(page), "Profile");
	await page.keyboard.press("Shift+Tab");
	for (let i = 0; i < 20 && (await focused(page)) !== "Sign out"; i++) await page.keyboard.press("Shift+Tab");
	assert.equal(await focused(page), "Sign out");
	await page.keyboard.press("Enter");
	await at(page, "Sign in");
	// Nothing of the session is left in the browser, and the way back leads to sign-in.
	assert.deepEqual(await page.context().cookies(), []);
	await page.goBack();
	await at(page, "Sign in");
	assertNothingWrong(page);
	await leave(page);
}

export async function leads_to_where_one_wanted(browser, server) {
	const account = await server.account("wanted");
	const page = await browser.visit("/account/sessions");
	await at(page, "Sign in");
	await fillSignIn(page, account);
	await at(page, "Sessions");
	await page.goto("/sign-in");
	await at(page, "Profile"); // who is signed in has no business at sign-in
	await leave(page);
}

export async function never_leads_to_another_site(browser, server) {
	const account = await server.account("redirected");
	const page = await browser.visit("/sign-in");
	for (const to of ["//evil.example/", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "/api/v1/me"]) {
		await page.goto(`/sign-in?return_to=${encodeURIComponent(to)}`);
		await fillSignIn(page, account);
		await at(page, "Profile");
		assert.equal(page.url(), `${server.url}/account`, to);
		await button(page, "Sign out").click();
		await at(page, "Sign in");
	}
	assertNothingWrong(page);
	await leave(page);
}

export async function the_cookie_is_out_of_reach_of_scripts(browser, server) {
	const page = await signedIn(browser, await server.account("cookie"));
	assert.equal(await page.evaluate("document.cookie"), "");
	const [cookie] = await page.context().cookies();
	assert.equal(cookie.name, "__Host-sid");
	assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, "Strict", "/"]);
	assert.ok(!JSON.stringify(await page.evaluate("({...localStorage, ...sessionStorage})")).includes(cookie.value));
	await leave(page);
}

export async function a_session_ended_elsewhere_leads_to_sign_in_and_back(browser, server) {
	const account = await server.account("ended");
	const page = await signedIn(browser, account, "/account/security");
	await at(page, "Security");
	await server.admin("DELETE", `/admin/accounts/${account.id}/sessions`);
	await page.getByRole("link", { name: "Sessions" }).click();
	await at(page, "Sign in");
	await page.getByText("Your session has ended.").waitFor();
	await fillSignIn(page, account);
	await at(page, "Sessions");

	// Somebody who leaves anyway is let go.
	await server.admin("DELETE", `/admin/accounts/${account.id}/sessions`);
	await button(page, "Sign out").click();
	await at(page, "Sign in");

	// A dialog does not outlive the session.
	await fillSignIn(page, account);
	await at(page, "Sessions");
	await link(page, "Security").click();
	await button(page, "Add a passkey").click();
	forgetProof(server, account);
	await button(page, "Continue").click();
	await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
	await field(page.getByRole("dialog"), "Password").fill(account.password);
	await server.admin("DELETE", `/admin/accounts/${account.id}/sessions`);
	await page.keyboard.press("Enter");
	await at(page, "Sign in");
	assert.equal(await page.getByRole("dialog").count(), 0);
	assertNothingWrong(page);
	await leave(page);
}

export async function two_tabs_with_different_sessions(browser, server) {
	// The second sign-in replaces the cookie; the first tab's proof is renewed, not refused.
	const account = await server.account("tabs");
	await server.login(account.email, account.password);
	const first = await signedIn(browser, account, "/account/sessions");
	const second = await first.context().newPage();
	await second.goto("/account");
	await button(second, "Sign out").click();
	await at(second, "Sign in");
	await fillSignIn(second, account);
	await at(second, "Profile");
	await button(first, "End all others").click();
	await first.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
	await first.getByText("All other sessions have ended.").waitFor();
	assertNothingWrong(first);
	await leave(first);
}
