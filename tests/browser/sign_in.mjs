// Sign-in with a password: what is wrong is said at the field it concerns, or above the form.
import assert from "node:assert/strict";
import { assertNothingWrong, focused, look } from "./browser.mjs";

const field = (page, label) => page.getByLabel(label, { exact: true });
const button = (page, name) => page.getByRole("button", { name, exact: true });

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
	await page.context().close();
}

export async function no_address(browser) {
	const page = await browser.visit("/sign-in");
	await field(page, "E-mail address").fill("someone");
	await field(page, "Password").fill("x");
	await page.keyboard.press("Enter");
	await page.getByText("This is not an e-mail address").waitFor();
	assertNothingWrong(page);
	await page.context().close();
}

export async function a_password_can_be_shown(browser) {
	const page = await browser.visit("/sign-in");
	await field(page, "Password").fill("secret words");
	await button(page, "Show password").click();
	assert.equal(await field(page, "Password").getAttribute("type"), "text");
	assert.equal(await field(page, "Password").inputValue(), "secret words");
	await page.context().close();
}
