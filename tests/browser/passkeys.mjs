// Passkeys as a browser makes and uses them: the API with Chromium's own authenticator.
import assert from "node:assert/strict";
import { leave, signedIn } from "./steps.mjs";

/** An authenticator in the device that holds discoverable passkeys and verifies its user. */
async function addAuthenticator(page) {
	const session = await page.context().newCDPSession(page);
	await session.send("WebAuthn.enable");
	await session.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal",
		hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
}

/** A request of the page, as our own code makes it. */
function call(page, path, body) {
	return page.evaluate(async ({ path, body }) => {
		const headers = body ? { "Content-Type": "application/json" } : {};
		const me = await fetch("/api/v1/me");
		if (me.ok) headers["X-CSRF-Token"] = (await me.json()).csrf_token;
		const answer = await fetch(`/api/v1${path}`, { method: "POST", headers, body: body && JSON.stringify(body) });
		const text = await answer.text();
		return { status: answer.status, body: text ? JSON.parse(text) : null };
	}, { path, body });
}

async function create(page) {
	const { status, body } = await call(page, "/me/passkeys/options");
	assert.equal(status, 200, JSON.stringify(body));
	const credential = await page.evaluate(async (options) => {
		const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
		return (await navigator.credentials.create({ publicKey })).toJSON();
	}, body.options);
	return { ticket: body.ticket, credential };
}

async function get(page, path, request) {
	const { status, body } = await call(page, path, request);
	assert.equal(status, 200, JSON.stringify(body));
	const credential = await page.evaluate(async (options) => {
		const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
		return (await navigator.credentials.get({ publicKey })).toJSON();
	}, body.options);
	return { ticket: body.ticket, credential };
}

export async function a_browser_makes_and_uses_one(browser, server) {
	const account = await server.account("passkey");
	const page = await signedIn(browser, account, "/account/security");
	await addAuthenticator(page);
	const made = await call(page, "/me/passkeys", { name: "This computer", ...await create(page) });
	assert.equal(made.status, 201, JSON.stringify(made.body));
	assert.equal(made.body.recovery_codes.length, 10);
	const proof = await get(page, "/auth/step-up/options");
	assert.equal((await call(page, "/auth/step-up", { passkey: proof })).status, 204);

	await page.context().clearCookies();
	const answer = await get(page, "/auth/passkey/options", {});
	const opened = await call(page, "/auth/passkey", { ...answer, session: "cookie" });
	assert.equal(opened.status, 200, JSON.stringify(opened.body));
	assert.equal(await page.evaluate(async () => (await (await fetch("/api/v1/me")).json()).email), account.email);

	await page.context().clearCookies();
	const again = await call(page, "/auth/passkey", { ...answer, session: "cookie" });
	assert.equal(again.body.code, "challenge_invalid");
	const waits = await call(page, "/auth/login", { email: account.email, password: account.password, session: "cookie" });
	assert.equal(waits.body.code, "mfa_required", JSON.stringify(waits.body));
	const { mfa_token } = waits.body;
	const second = await get(page, "/auth/passkey/options", { mfa_token });
	assert.equal((await call(page, "/auth/second-factor", { mfa_token, passkey: second })).status, 200);
	await leave(page);
}
