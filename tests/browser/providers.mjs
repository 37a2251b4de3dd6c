// Identity providers: signing in through one, linking, why it failed. The provider is a real OpenID
// Connect one, as small as can be, on its own port.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";
import { look } from "./browser.mjs";
import { at, button, field, forgetProof, leave, link, path, signedIn } from "./steps.mjs";

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

class Provider {
	static async start(server, name, title) {
		const provider = new Provider();
		const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const codes = new Map();
		const answers = {
			"/.well-known/openid-configuration": () => ({ issuer: provider.issuer, authorization_endpoint: `${provider.issuer}/authorize`,
				token_endpoint: `${provider.issuer}/token`, jwks_uri: `${provider.issuer}/keys`, end_session_endpoint: `${provider.issuer}/logout`,
				authorization_response_iss_parameter_supported: true }),
			"/logout": () => ({}),
			"/keys": () => ({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }] }),
			"/token": (form) => {
				const asked = codes.get(form.get("code"));
				codes.delete(form.get("code"));
				assert.equal(createHash("sha256").update(form.get("code_verifier")).digest("base64url"), asked.get("code_challenge"));
				const now = Math.floor(Date.now() / 1000);
				const text = `${encode({ alg: "RS256", kid: "1" })}.${encode({ iss: provider.issuer, aud: "app", iat: now, exp: now + 300,
					nonce: asked.get("nonce"), ...provider.user })}`;
				return { access_token: randomUUID(), token_type: "Bearer", expires_in: 300,
					id_token: `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}` };
			},
		};
		provider.http = createServer(async (asked, answer) => {
			const url = new URL(asked.url, provider.issuer);
			let body = "";
			for await (const piece of asked) body += piece;
			if (url.pathname === "/authorize") {
				const code = randomUUID();
				codes.set(code, url.searchParams);
				const back = new URLSearchParams({ state: url.searchParams.get("state"), iss: provider.issuer,
					...(provider.user ? { code } : { error: "access_denied" }) });
				return answer.writeHead(303, { Location: `${url.searchParams.get("redirect_uri")}?${back}` }).end();
			}
			const found = answers[url.pathname];
			answer.writeHead(found ? 200 : 404, { "Content-Type": "application/json" });
			answer.end(JSON.stringify(found ? found(new URLSearchParams(body)) : {}));
		});
		await new Promise((done) => provider.http.listen(0, "127.0.0.1", done));
		provider.issuer = `http://127.0.0.1:${provider.http.address().port}`;
		provider.row = await server.admin("POST", "/admin/identity-providers", { name, title, issuer: provider.issuer, client_id: "app",
			client_secret: "a secret of the client", rules: [{ domain: "example.test", role: "user" }] });
		return provider;
	}

	/** Who is signed in there; nobody: the sign-in is refused. */
	knows(name) {
		this.user = { sub: `sub-${name}`, email: `${name}@example.test`, email_verified: true };
	}

	close() {
		this.http.closeAllConnections();
		this.http.close();
	}
}

export async function sign_in_through_a_provider(browser, server) {
	const provider = await Provider.start(server, "works", "The Works");
	try {
		const page = await browser.visit("/account/sessions");
		await at(page, "Sign in");
		await link(page, "Continue with The Works").waitFor();
		await look(page, "sign-in-providers");
		await link(page, "Continue with The Works").click();
		await page.getByText("You, or the provider, ended the sign-in.").waitFor();
		assert.equal(path(page), "/sign-in");
		await look(page, "sign-in-provider-refused");
		provider.knows("jo");
		await link(page, "Continue with The Works").click();
		await at(page, "Sessions");
		await link(page, "Profile").click();
		await page.getByRole("definition").filter({ hasText: "jo@example.test" }).waitFor();

		// Without a password and a factor, the provider is the proof.
		await link(page, "Security").click();
		await page.getByText("You have none: you sign in with one of your linked accounts.").waitFor();
		await look(page, "security-no-password");
		forgetProof(server, await server.admin("GET", "/admin/accounts/jo@example.test"));
		await link(page, "Set up an authenticator app").click();
		const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
		await dialog.getByText("Sign in once more where you have your account").waitFor();
		await look(page, "step-up-provider");
		await link(dialog, "Continue with The Works").click();
		await page.getByRole("img", { name: /QR code/ }).waitFor();
		assert.equal(path(page), "/enrol");
		await button(page, "Sign out").click();
		await page.waitForURL((url) => url.href.startsWith(`${provider.issuer}/logout`));
		await page.goto(`${server.url}/account`);
		await at(page, "Sign in");
		await leave(page);
	} finally {
		provider.close();
	}
}

export async function accounts_elsewhere_are_linked_and_unlinked(browser, server) {
	const provider = await Provider.start(server, "guild", "The Guild");
	try {
		provider.knows("linked");
		const account = await server.account("linked");
		const page = await signedIn(browser, account, "/account/identities");
		await page.getByText("None is linked.").waitFor();
		await look(page, "identities-none");
		await button(page, "Link The Guild").click();
		await page.getByText("linked@example.test").waitFor();
		await at(page, "Linked accounts");
		await look(page, "identities");

		// It opens the same account.
		const other = await browser.visit("/account");
		await link(other, "Continue with The Guild").click();
		await at(other, "Profile");
		await other.getByRole("definition").filter({ hasText: account.email }).waitFor();
		await leave(other);

		// Nobody else can have it.
		const stranger = await signedIn(browser, await server.account("stranger"), "/account/identities");
		await button(stranger, "Link The Guild").click();
		await stranger.getByText("That account is linked to somebody else here.").waitFor();
		assert.equal(path(stranger), "/account/identities");
		await look(stranger, "identities-taken");
		await leave(stranger);

		await button(page, "Unlink The Guild").click();
		await page.getByRole("dialog").getByRole("button", { name: "Unlink" }).click();
		await page.getByText("The Guild is unlinked.").waitFor();
		await page.getByText("None is linked.").waitFor();
		await leave(page);
	} finally {
		provider.close();
	}
}

export async function a_second_factor_after_a_provider(browser, server) {
	const page = await browser.visit("/second-factor?return_to=/account/sessions#mfa_token=long-over&methods=totp%20recovery_code");
	await at(page, "Second factor");
	assert.equal(page.url(), `${server.url}/second-factor`, "the ticket does not stay in the address");
	await field(page, "Code").fill("123456");
	await button(page, "Continue").click();
	await at(page, "Sign in");
	await page.getByText("That took too long. Sign in once more.").waitFor();
	await leave(page);
}
