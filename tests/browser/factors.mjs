// Second factors: enrolment, sign-in with them, a fresh proof before what is dangerous.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { App } from "./authenticator_app.mjs";
import { assertNothingWrong, focused, look } from "./browser.mjs";
import { at, button, field, fillSignIn, forgetProof, leave, link, path, signedIn } from "./steps.mjs";

/** Enrols an app by the pages, from the security page. Gives the app and the recovery codes. */
async function enrol(page, server, account) {
	await link(page, "Set up an authenticator app").click();
	await at(page, "Authenticator app");
	const app = new App(await secretOn(page));
	await field(page, "Code").fill(await app.code());
	await button(page, "Confirm").click();
	await at(page, "Recovery codes");
	const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
	app.forgetSteps(server, account);
	return { app, codes };
}

async function secretOn(page) {
	await page.getByText("No camera?").click();
	return (await page.locator(".secret").textContent()).replaceAll(" ", "");
}

export async function an_app_is_enrolled_and_used(browser, server) {
	const account = await server.account("factors");
	const page = await signedIn(browser, account, "/account/security");
	await page.getByText("Your password alone is enough").waitFor();
	await look(page, "security");
	await link(page, "Set up an authenticator app").click();
	await at(page, "Authenticator app");
	await look(page, "enrol");
	const app = new App(await secretOn(page));
	await look(page, "enrol-secret");
	const scanned = await page.getByRole("img", { name: /QR code/ }).evaluate((image) => image.complete && image.naturalWidth);
	assert.ok(scanned > 0);

	await field(page, "Code").fill("12 34");
	await button(page, "Confirm").click();
	await page.getByText("The code has 6 digits").waitFor();
	await field(page, "Code").fill("000 000");
	await button(page, "Confirm").click();
	await page.getByText("The code is wrong").waitFor();
	assert.equal(await focused(page), "Code");
	await look(page, "enrol-wrong");
	const code = await app.code();
	await field(page, "Code").fill(`${code.slice(0, 3)} ${code.slice(3)}`);
	await button(page, "Confirm").click();

	await at(page, "Recovery codes");
	await look(page, "recovery-codes");
	const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
	assert.ok(new Set(codes).size === codes.length && codes.length >= 8);
	await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	await button(page, "Copy").click();
	await page.getByText("Copied").waitFor();
	assert.equal(await page.evaluate("navigator.clipboard.readText()"), codes.join("\n") + "\n");
	const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
	assert.equal(download.suggestedFilename(), "slipway-recovery-codes.txt");
	const stored = readFileSync(await download.path(), "utf8");
	assert.ok(codes.every((c) => stored.includes(c)) && stored.includes(account.email));
	await page.emulateMedia({ media: "print" });
	assert.equal(await page.getByRole("banner").isVisible(), false);
	await page.emulateMedia({ media: null });
	await button(page, "I have stored them").click();
	await at(page, "Security");
	await page.getByText("enrolled just now").waitFor();
	await look(page, "security-app");
	app.forgetSteps(server, account);

	await button(page, "Sign out").click();
	await at(page, "Sign in");
	await fillSignIn(page, account);
	await at(page, "Second factor");
	assert.equal(await focused(page), "Code");
	await look(page, "second-factor");
	await field(page, "Code").fill("000000");
	await page.keyboard.press("Enter");
	await page.getByText("The code is wrong").waitFor();
	await field(page, "Code").fill(await app.code());
	await page.keyboard.press("Enter");
	await at(page, "Profile");
	assertNothingWrong(page);
	await leave(page);
}

export async function a_recovery_code_lets_in_once(browser, server) {
	const account = await server.account("recovery");
	const page = await signedIn(browser, account, "/account/security");
	const { codes } = await enrol(page, server, account);
	await button(page, "I have stored them").click();
	await at(page, "Security");
	for (const works of [true, false]) {
		await button(page, "Sign out").click();
		await at(page, "Sign in");
		await fillSignIn(page, account);
		await at(page, "Second factor");
		await button(page, "Use a recovery code").click();
		assert.equal(await focused(page), "Recovery code");
		if (works) await look(page, "second-factor-recovery");
		await field(page, "Recovery code").fill(` ${codes[0].toUpperCase()} `);
		await button(page, "Continue").click();
		if (works) await at(page, "Profile");
		else await page.getByText("The code is wrong").waitFor();
	}
	await button(page, "Use the authenticator app").click();
	await field(page, "Code").waitFor();
	// A password typed is not kept over a reload: one begins again.
	await page.reload();
	await at(page, "Sign in");
	assert.equal(path(page), "/sign-in");
	await leave(page);
}

export async function dangerous_things_ask_for_a_fresh_proof(browser, server) {
	const account = await server.account("step-up");
	const page = await signedIn(browser, account, "/account/security");
	await page.getByText("Your password alone is enough").waitFor();
	// Without a factor it is the password.
	forgetProof(server, account);
	await link(page, "Set up an authenticator app").click();
	await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
	await field(page, "Password").fill("not this one");
	await button(page, "Confirm").click();
	await page.getByText("The password is wrong.").waitFor();
	await look(page, "step-up-password");
	await page.keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await page.getByRole("alert").waitFor();
	await button(page, "Try again").click();
	await field(page, "Password").fill(account.password);
	await page.keyboard.press("Enter");
	await page.getByRole("img", { name: /QR code/ }).waitFor();
	await page.goto("/account/security");
	const { app, codes } = await enrol(page, server, account);
	await button(page, "I have stored them").click();

	// With one it is the factor, and what was begun goes on.
	forgetProof(server, account);
	await button(page, "Renew recovery codes").click();
	await button(page, "Make new codes").click();
	await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
	await look(page, "step-up-code");
	await field(page, "Code").fill(await app.code());
	await page.keyboard.press("Enter");
	const dialog = page.getByRole("dialog", { name: "Your recovery codes" });
	await dialog.waitFor();
	await look(page, "recovery-codes-new");
	assert.ok(!(await dialog.textContent()).includes(codes[0]));
	await button(page, "I have stored them").click();

	await button(page, "Remove authenticator app").click();
	await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await page.getByText("Your password alone is enough").waitFor();
	assertNothingWrong(page);
	await leave(page);
}

export async function who_must_have_a_factor_enrols_first(browser, server) {
	const account = await server.account("must-enrol", "guest");
	const page = await browser.visit("/account/sessions");
	await fillSignIn(page, account);
	await at(page, "Authenticator app");
	const app = new App(await secretOn(page));
	await field(page, "Code").fill(await app.code());
	await button(page, "Confirm").click();
	await at(page, "Recovery codes");
	await button(page, "I have stored them").click();
	await at(page, "Sessions"); // where one wanted to go
	await page.getByText("This session").waitFor();
	assertNothingWrong(page);
	await leave(page);
}

export async function the_first_administrator(browser, server, fresh) {
	const page = await browser.visit("/set-up", { server: fresh });
	await at(page, "Set up Slipway");
	await look(page, "set-up");
	await field(page, "Set-up token").fill("not this one");
	await field(page, "E-mail address").fill("first@example.com");
	await field(page, "Password").fill("first@example.com");
	await button(page, "Make the account").click();
	await page.getByText("The set-up token is wrong").waitFor();
	assert.equal(await focused(page), "Set-up token");
	await look(page, "set-up-wrong");

	// By a link, which does not stay in the history.
	await page.goto("about:blank");
	await page.goto(`/set-up#token=${encodeURIComponent(fresh.setupToken)}`);
	await at(page, "Set up Slipway");
	assert.equal(page.url(), `${fresh.url}/set-up`);
	assert.equal(await field(page, "Set-up token").inputValue(), fresh.setupToken);
	await field(page, "E-mail address").fill("first@example.com");
	await field(page, "Password").fill("first@example.com");
	await button(page, "Make the account").click();
	await page.locator(".field-error:not(:empty)").waitFor();
	assert.equal(await focused(page), "Password", "one's own address is no password");
	await field(page, "Password").fill("the first password of all");
	await button(page, "Make the account").click();
	await at(page, "Authenticator app"); // administrators made this way must have one
	const app = new App(await secretOn(page));
	await field(page, "Code").fill(await app.code());
	await button(page, "Confirm").click();
	await at(page, "Recovery codes");
	await button(page, "I have stored them").click();
	await at(page, "Security");

	// Without them nobody could administer this server.
	await link(page, "Profile").click();
	await button(page, "Delete my account").click();
	await field(page, "Type your e-mail address to confirm").fill("first@example.com");
	await page.getByRole("dialog").getByRole("button", { name: "Delete my account" }).click();
	await page.getByRole("dialog", { name: "You are the last administrator" }).waitFor();
	await look(page, "delete-last-administrator");
	await button(page, "Close").click();
	assertNothingWrong(page);
	await leave(page);
}
