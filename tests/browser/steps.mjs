// What people do again and again, in the words of the pages.
import assert from "node:assert/strict";

export const field = (page, label) => page.getByLabel(label, { exact: true });
export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const link = (page, name) => page.getByRole("link", { name, exact: true });

/** Waits for the page with this heading. */
export async function at(page, title) {
	await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
	assert.equal(await page.title(), `${title} – Slipway`);
}

export async function fillSignIn(page, { email, password }) {
	await field(page, "E-mail address").fill(email);
	await field(page, "Password").fill(password);
	await button(page, "Sign in").click();
}

/** A new person who has signed in, looking at a page. */
export async function signedIn(browser, account, path = "/account", options = {}) {
	const page = await browser.visit(path, options);
	await at(page, "Sign in");
	await fillSignIn(page, account);
	await page.waitForURL(browser.server.url + path);
	return page;
}

/** As if the sign-in had been yesterday. */
export function forgetProof(server, account) {
	server.sql(`UPDATE sessions SET authenticated_at = 1 WHERE account_id = '${account.id}'`);
}

export const path = (page) => new URL(page.url()).pathname;
export const leave = (page) => page.context().close();
