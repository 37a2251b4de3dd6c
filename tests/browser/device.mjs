// Signing a device in (RFC 8628): the code, who asks, the decision.
import assert from "node:assert/strict";
import { focused, look } from "./browser.mjs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "./server.mjs";
import { at, button, field, leave, signedIn } from "./steps.mjs";

const begin = (server) => server.api("POST", "/oauth/device_authorization", new URLSearchParams({ client_id: "slipway-cli", scope: "product.read" }));
const ask = (server, device_code) => server.request("POST", "/api/v1/oauth/token",
	new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: "slipway-cli", device_code }));

export async function a_device_is_approved(browser, server) {
	const { user_code, device_code } = await begin(server);
	const page = await signedIn(browser, await server.account("device"), "/device");
	await at(page, "Sign in a device");
	assert.equal(await focused(page), "Code");
	await field(page, "Code").fill("BBBB-BBBB");
	await button(page, "Continue").click();
	await page.locator(".field-error").filter({ hasText: /\w/ }).waitFor();
	await look(page, "device-code");
	await field(page, "Code").fill(user_code.toLowerCase());
	await button(page, "Continue").click();
	await page.getByRole("heading", { name: "Is this you?" }).waitFor();
	await page.getByText("product.read").waitFor();
	await look(page, "device-decide");
	await button(page, "Approve").click();
	await page.getByText("The device goes on by itself").waitFor();
	await look(page, "device-approved");
	const answer = await ask(server, device_code);
	assert.equal(answer.status, 200);
	assert.ok(answer.json.access_token);
	await leave(page);
}

export async function a_device_is_denied(browser, server) {
	const { user_code, device_code } = await begin(server);
	// Opening the link alone approves nothing.
	const page = await signedIn(browser, await server.account("no-device"), `/device?user_code=${user_code}`);
	assert.equal(await field(page, "Code").inputValue(), user_code);
	await button(page, "Continue").click();
	await button(page, "Deny").click();
	await page.getByText("The device was not signed in.").waitFor();
	assert.equal((await ask(server, device_code)).json.error, "access_denied");
	await leave(page);
}

export async function the_command_line_is_signed_in(browser, server) {
	const home = mkdtempSync(join(tmpdir(), "slipway-home-"));
	const account = await server.account("terminal");
	const login = server.commandLine(["login", "--device-code", "--json", "--scope", "self.read"], home);
	await waitUntil(() => login.lines.length, "the code");
	const { verification_uri_complete, user_code } = JSON.parse(login.lines[0]);
	// As the QR code or Enter opens it.
	const page = await signedIn(browser, account, verification_uri_complete.slice(server.url.length));
	assert.equal(await field(page, "Code").inputValue(), user_code);
	await button(page, "Continue").click();
	await page.getByText("Slipway command line").waitFor();
	await button(page, "Approve").click();
	await page.getByText("The device goes on by itself").waitFor();
	assert.equal(await login.ended, 0);
	assert.deepEqual(JSON.parse(login.lines[1]), { server: server.url, email: account.email });
	const who = server.commandLine(["whoami", "--json"], home);
	assert.equal(await who.ended, 0);
	const me = JSON.parse(who.lines.join("\n"));
	assert.deepEqual([me.email, me.client_id, me.permissions], [account.email, "slipway-cli", ["self.read"]]);
	rmSync(home, { recursive: true });
	await leave(page);
}
