// What holds for the whole site: unknown paths, headers, files.
import assert from "node:assert/strict";
import { look } from "./browser.mjs";

export async function unknown_paths_are_a_page_for_people(browser, server) {
	const page = await browser.visit("/no-such-page");
	await page.getByRole("heading", { name: "Page not found" }).waitFor();
	await look(page, "not-found");
	await page.context().close();
	const answer = await server.request("GET", "/no-such-page", undefined, { Accept: "text/html" });
	assert.equal(answer.status, 404);
	assert.match(answer.headers["content-security-policy"], /trusted-types 'none'/);
	const machine = await server.request("GET", "/no-such-page");
	assert.equal(machine.json.code, "not_found");
}
