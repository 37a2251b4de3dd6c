// Passkeys by the pages' own buttons, with Chromium's own authenticator.
import assert from "node:assert/strict";
import { assertNothingWrong, focused, look } from "./browser.mjs";
import { at, button, field, fillSignIn, forgetProof, leave, link, signedIn } from "./steps.mjs";

/** An authenticator in the device that holds discoverable passkeys and verifies its user. */
class Authenticator {
	static async add(page, more = {}) {
		const own = new Authenticator();
		own.session = await page.context().newCDPSession(page);
		await own.session.send("WebAuthn.enable");
		const { authenticatorId } = await own.session.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal",
			hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more } });
		own.id = { authenticatorId };
		return own;
	}

	/** Whether the finger on it is the right one. */
	recognises(isUserVerified) {
		return this.session.send("WebAuthn.setUserVerified", { ...this.id, isUserVerified });
	}

	async passkeys() {
		return (await this.session.send("WebAuthn.getCredentials", this.id)).credentials;
	}
}

/** A browser that does not offer passkeys among names: only the button asks for one. */
const BY_BUTTON = { init: "PublicKeyCredential.isConditionalMediationAvailable = async () => false" };

/** Adds a passkey from the security page; the first one comes with recovery codes. */
async function add(page, name) {
	await button(page, "Add a passkey").click();
	await field(page, "Name").fill(name);
	await button(page, "Continue").click();
	await page.getByText(`The passkey “${name}” is added.`).waitFor();
}

async function storeCodes(page) {
	const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
	await button(page, "I have stored them").click();
	await page.getByRole("dialog").waitFor({ state: "detached" });
	return codes;
}

async function signOut(page) {
	await button(page, "Sign out").click();
	await at(page, "Sign in");
}

export async function a_passkey_is_added_with_a_name_and_removed(browser, server) {
	const account = await server.account("passkey");
	const page = await signedIn(browser, account, "/account/security", BY_BUTTON);
	const authenticator = await Authenticator.add(page);
	await page.getByText("Your password alone is enough").waitFor();
	await look(page, "security-no-passkey");
	await button(page, "Add a passkey").click();
	assert.equal(await focused(page), "Name");
	assert.match(await field(page, "Name").inputValue(), /^Chrome \d+ on Linux$/);
	await look(page, "passkey-add");
	await field(page, "Name").fill("");
	await button(page, "Continue").click();
	await page.getByText("Name is missing").waitFor();
	await field(page, "Name").fill("This computer");
	await button(page, "Continue").click();

	// The first factor comes with recovery codes, which no Escape can lose.
	await page.getByRole("dialog", { name: "Your recovery codes" }).waitFor();
	await page.keyboard.press("Escape");
	await page.keyboard.press("Escape");
	await look(page, "passkey-recovery-codes");
	assert.equal((await storeCodes(page)).length, 10);
	await page.getByText("added just now").waitFor();
	await look(page, "security-passkey");

	// The browser knows that it has one already.
	await button(page, "Add a passkey").click();
	await button(page, "Continue").click();
	await page.getByText("There is a passkey for your account on this device already.").waitFor();
	await look(page, "passkey-add-twice");
	await button(page, "Cancel").click();

	await button(page, "Remove passkey: This computer").click();
	await page.getByText("Your password alone will be enough to sign in").waitFor();
	await look(page, "passkey-remove");
	await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await page.getByText("The passkey “This computer” is removed.").waitFor();
	await page.getByText("Your password alone is enough").waitFor();

	// The device still offers it; it opens nothing.
	assert.equal((await authenticator.passkeys()).length, 1);
	await signOut(page);
	await button(page, "Sign in with a passkey").click();
	await page.getByRole("alert").getByText("This passkey is not accepted here").waitFor();
	await look(page, "sign-in-passkey-removed");
	assertNothingWrong(page);
	await leave(page);
}

export async function a_passkey_alone_signs_in(browser, server) {
	const account = await server.account("passkey-alone");
	const page = await signedIn(browser, account, "/account/security", BY_BUTTON);
	const authenticator = await Authenticator.add(page);
	await add(page, "This computer");
	await storeCodes(page);
	await signOut(page);

	// Where nothing else says who it is, the person must be recognised.
	await authenticator.recognises(false);
	await button(page, "Sign in with a passkey").click();
	await page.getByRole("alert").getByText("No passkey was used. Try again, or choose another way.").waitFor();
	await look(page, "sign-in-passkey-refused");
	await authenticator.recognises(true);
	await button(page, "Sign in with a passkey").click();
	await at(page, "Profile");
	await page.getByRole("definition").filter({ hasText: account.email }).waitFor();
	await link(page, "Sessions").click();
	await page.getByText("with passkey").waitFor();
	assertNothingWrong(page);
	await leave(page);
}

export async function a_passkey_as_second_factor_and_as_fresh_proof(browser, server) {
	const account = await server.account("passkey-second");
	const page = await signedIn(browser, account, "/account/security", BY_BUTTON);
	await Authenticator.add(page);
	await add(page, "This computer");
	const codes = await storeCodes(page);
	await signOut(page);
	await fillSignIn(page, account);
	await at(page, "Second factor");
	assert.equal(await focused(page), "Use your passkey");
	await look(page, "second-factor-passkey");
	// Another way is a click away, and so is the way back.
	await button(page, "Use a recovery code").click();
	assert.equal(await focused(page), "Recovery code");
	await button(page, "Use a passkey").click();
	await page.keyboard.press("Enter");
	await at(page, "Profile");

	await page.goto("/account/security");
	forgetProof(server, account);
	await button(page, "Renew recovery codes").click();
	await button(page, "Make new codes").click();
	await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
	await look(page, "step-up-passkey");
	await button(page, "Use your passkey").click();
	await page.getByRole("dialog", { name: "Your recovery codes" }).waitFor();
	assert.notDeepEqual(await storeCodes(page), codes);

	// A sign-in that waited too long begins again.
	await signOut(page);
	await fillSignIn(page, account);
	await at(page, "Second factor");
	server.sql(`UPDATE tickets SET expires_at = 1 WHERE account_id = '${account.id}'`);
	await button(page, "Use your passkey").click();
	await at(page, "Sign in");
	await page.getByText("That took too long. Sign in once more.").waitFor();
	await look(page, "sign-in-too-long");
	assertNothingWrong(page);
	await leave(page);
}

export async function a_passkey_is_picked_where_names_are_filled_in(browser, server) {
	const account = await server.account("passkey-filled");
	const page = await signedIn(browser, account, "/account/security");
	await Authenticator.add(page);
	await add(page, "This computer");
	await storeCodes(page);
	// Chromium's own authenticator picks the offered one by itself.
	await button(page, "Sign out").click();
	await at(page, "Profile");
	assertNothingWrong(page);
	await leave(page);
}

export async function who_must_have_a_factor_may_choose_a_passkey(browser, server) {
	const account = await server.account("passkey-must", "guest");
	const page = await browser.visit("/account/sessions", BY_BUTTON);
	await Authenticator.add(page);
	await fillSignIn(page, account);
	await at(page, "Authenticator app");
	await button(page, "Use a passkey instead").click();
	await button(page, "Continue").click();
	await at(page, "Recovery codes");
	await button(page, "I have stored them").click();
	await at(page, "Sessions"); // where one wanted to go
	assertNothingWrong(page);
	await leave(page);
}

export async function a_browser_without_passkeys_says_so(browser, server) {
	const account = await server.account("passkey-elsewhere");
	const page = await signedIn(browser, account, "/account/security");
	await Authenticator.add(page);
	await add(page, "This computer");
	const [code] = await storeCodes(page);
	await leave(page);

	const other = await browser.visit("/account/security", { init: "delete window.PublicKeyCredential" });
	await at(other, "Sign in");
	assert.equal(await button(other, "Sign in with a passkey").count(), 0);
	await fillSignIn(other, account);
	await at(other, "Second factor");
	await other.getByText("This browser cannot use passkeys here.").waitFor();
	await look(other, "second-factor-no-passkeys");
	await field(other, "Recovery code").fill(code);
	await button(other, "Continue").click();
	await at(other, "Security");
	await other.getByText("This browser cannot use passkeys here.").waitFor();
	await other.getByText("This computer", { exact: true }).waitFor();
	assert.equal(await button(other, "Add a passkey").count(), 0);
	await look(other, "security-no-passkeys");
	assertNothingWrong(other);
	await leave(other);
}
