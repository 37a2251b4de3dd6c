// What begins with a mail: invitations, forgotten passwords, addresses; and the end of an account.
import assert from "node:assert/strict";
import { App } from "./authenticator_app.mjs";
import { assertNothingWrong, focused, look } from "./browser.mjs";
import { at, button, field, fillSignIn, forgetProof, leave, link, path, signedIn } from "./steps.mjs";

export async function an_invitation_is_accepted(browser, server) {
	const email = "invited@example.com";
	await server.admin("POST", "/admin/invitations", { email, role: "user" });
	const invitation = await server.mailbox.link(email, "You are invited");
	const page = await browser.visit(invitation);
	await at(page, "Accept your invitation");
	assert.equal(page.url(), `${server.url}/invitation`, "the ticket does not stay in the address");
	assert.equal(await focused(page), "Choose a password");
	await look(page, "invitation");
	await field(page, "Choose a password").fill("invited1");
	await button(page, "Accept").click();
	await page.locator(".field-error:not(:empty)").waitFor();
	assert.equal(await focused(page), "Choose a password", "one's own address is no password");
	await field(page, "Choose a password").fill("four quite unrelated words");
	await button(page, "Accept").click();
	await at(page, "Profile");
	await page.getByRole("definition").filter({ hasText: email }).getByText("Confirmed").waitFor();
	await leave(page);

	// It is good once.
	const again = await browser.visit(invitation);
	await field(again, "Choose a password").fill("four quite unrelated words");
	await button(again, "Accept").click();
	await at(again, "No invitation here");
	await again.getByText("The invitation was used, withdrawn or is too old.").waitFor();
	await look(again, "invitation-used");
	await leave(again);
	const cut = await browser.visit("/invitation");
	await cut.getByText("The link is incomplete.").waitFor();
	await leave(cut);
}

async function askForReset(page, email) {
	await field(page, "E-mail address").fill(email);
	await button(page, "Send the link").click();
	await at(page, "Look at your mail");
}

export async function a_forgotten_password_is_replaced_and_the_factor_still_asked_for(browser, server) {
	const account = await server.account("forgotten");
	const app = await App.enrol(server, account);
	const page = await browser.visit("/sign-in");
	await fillSignIn(page, { email: account.email, password: "something else" });
	await page.getByRole("alert").waitFor();
	await link(page, "Forgot your password?").click();
	await at(page, "Forgot your password?");
	assert.equal(await field(page, "E-mail address").inputValue(), account.email, "what was typed is not asked for again");
	await look(page, "password-reset");
	await field(page, "E-mail address").fill("");
	await button(page, "Send the link").click();
	await page.getByText("E-mail address is missing").waitFor();

	// Whether there is such an account shows only in its mail.
	await askForReset(page, `${"x".repeat(64)}@${"sub-domain.".repeat(14)}example.com`);
	await look(page, "password-reset-sent-long");
	await button(page, "Ask again").click();
	await askForReset(page, "nobody-at-all@example.com");
	const said = (await page.getByRole("main").textContent()).replace("nobody-at-all@example.com", "");
	await button(page, "Ask again").click();
	await askForReset(page, account.email);
	assert.equal((await page.getByRole("main").textContent()).replace(account.email, ""), said);
	await look(page, "password-reset-sent");

	await page.goto(await server.mailbox.link(account.email, "Reset your password"));
	await at(page, "Choose a new password");
	assert.equal(page.url(), `${server.url}/reset-password`, "the ticket does not stay in the address");
	assert.equal(await focused(page), "New password");
	await look(page, "reset-password");
	await button(page, "Change password").click();
	await page.getByText("New password is missing").waitFor();
	await field(page, "New password").fill("password123");
	await button(page, "Change password").click();
	await page.locator(".field-error").filter({ hasText: /most used|often|known/i }).waitFor();
	assert.equal(await focused(page), "New password");
	await look(page, "reset-password-refused");
	await field(page, "New password").fill("a wholly new pass phrase");
	await button(page, "Change password").click();
	await at(page, "Sign in");
	await page.getByText("Your password is changed. Sign in with the new one.").waitFor();
	await look(page, "sign-in-password-changed");

	await fillSignIn(page, account);
	await page.getByRole("alert").waitFor();
	await fillSignIn(page, { ...account, password: "a wholly new pass phrase" });
	await at(page, "Second factor");
	await field(page, "Code").fill(await app.code());
	await button(page, "Continue").click();
	await at(page, "Profile");
	assertNothingWrong(page);
	await leave(page);
}

export async function a_link_for_a_new_password_is_over_once_used(browser, server) {
	const account = await server.account("forgetful");
	// Somebody is signed in elsewhere meanwhile.
	const elsewhere = await signedIn(browser, account, "/account/sessions");
	const page = await browser.visit("/reset-password");
	await at(page, "This link is over");
	await page.getByText("It is incomplete.").waitFor();
	await link(page, "Ask for another link").click();
	await askForReset(page, account.email);
	const reset = await server.mailbox.link(account.email, "Reset your password");
	for (const heading of ["Sign in", "This link is over"]) {
		await page.goto(reset);
		await field(page, "New password").fill("a wholly new pass phrase");
		await button(page, "Change password").click();
		await at(page, heading);
	}
	await page.getByText("It was used already, or is older than an hour.").waitFor();
	await look(page, "reset-password-over");
	await link(page, "Ask for another link").click();
	await at(page, "Forgot your password?");

	// Every session has ended, and says so where it is used.
	await link(elsewhere, "Security").click();
	await at(elsewhere, "Sign in");
	await elsewhere.getByText("Your session has ended. Sign in to go on where you were.").waitFor();
	await look(elsewhere, "sign-in-session-ended");
	await fillSignIn(elsewhere, { ...account, password: "a wholly new pass phrase" });
	await at(elsewhere, "Security");
	assertNothingWrong(page);
	await leave(elsewhere);
	await leave(page);
}

export async function asking_for_links_again_and_again_is_slowed_down(browser) {
	const page = await browser.visit("/password-reset");
	for (let i = 0; i < 5; i++) {
		await askForReset(page, "impatient@example.com");
		await button(page, "Ask again").click();
	}
	await button(page, "Send the link").click();
	await page.getByRole("alert").getByText(/^Too many attempts. Try again in \d+ (seconds?|minutes)\.$/).waitFor();
	await look(page, "password-reset-throttled");
	await leave(page);
}

export async function a_server_without_mail_says_so(browser, server, fresh) {
	const page = await browser.visit("/password-reset", { server: fresh });
	await field(page, "E-mail address").fill("somebody@example.com");
	await button(page, "Send the link").click();
	await page.getByRole("alert").getByText("This server sends no mail. Ask your administrator.").waitFor();
	await look(page, "password-reset-no-mail");
	await leave(page);
}

export async function an_address_is_confirmed(browser, server) {
	const account = await server.account("unconfirmed");
	const page = await signedIn(browser, account);
	await page.getByText("Not confirmed").waitFor();
	await button(page, "Send a link to confirm it").click();
	await page.getByText(`A link is on its way to ${account.email}.`).waitFor();
	await look(page, "profile-link-sent");
	const confirm = await server.mailbox.link(account.email, "Confirm your e-mail");

	// On another device too, where nobody is signed in; once.
	const phone = await browser.visit(confirm);
	await at(phone, "Address confirmed");
	assert.equal(phone.url(), `${server.url}/verify-email`, "the ticket does not stay in the address");
	await look(phone, "verify-email");
	await link(phone, "Sign in").click();
	await at(phone, "Sign in");
	for (const [address, why] of [["/verify-email", "It is incomplete"], [confirm, "It was used already"]]) {
		await phone.goto(address);
		await at(phone, "Not confirmed");
		await phone.getByText(why).waitFor();
	}
	await look(phone, "verify-email-over");
	await leave(phone);
	await page.reload();
	await page.getByText("Confirmed", { exact: true }).waitFor();
	assert.equal(await button(page, "Send a link to confirm it").count(), 0);
	assertNothingWrong(page);
	await leave(page);
}

export async function an_address_is_changed(browser, server) {
	const account = await server.account("moving");
	const taken = await server.account("neighbour");
	const page = await signedIn(browser, account);
	await button(page, "Change address").click();
	const wanted = field(page, "New e-mail address"), send = button(page, "Send the link");
	assert.equal(await focused(page), "New e-mail address");
	await wanted.fill("no address");
	await send.click();
	await page.getByText("This is not an e-mail address").waitFor();
	await wanted.fill(account.email);
	await send.click();
	await page.getByText("This is your address already").waitFor();
	await look(page, "profile-address");
	// That another account has it shows only to who reads its mail.
	await wanted.fill(taken.email);
	forgetProof(server, account);
	await send.click();
	await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
	await field(page, "Password").fill(account.password);
	await page.keyboard.press("Enter");
	await page.getByText(`A link is on its way to ${taken.email}.`).waitFor();
	const other = await browser.visit(await server.mailbox.link(taken.email, "Confirm your e-mail"));
	await at(other, "Not confirmed");
	await other.getByText("There is another account with this address.").waitFor();
	await leave(other);

	await button(page, "Change address").click();
	await wanted.fill("moved@example.com");
	await send.click();
	await page.getByText("A link is on its way to moved@example.com.").waitFor();
	await page.goto(await server.mailbox.link("moved@example.com", "Confirm your e-mail"));
	await at(page, "Address confirmed");
	await link(page, "Go to your account").click();
	await at(page, "Profile");
	await page.getByRole("definition").filter({ hasText: "moved@example.com" }).getByText("Confirmed").waitFor();
	assertNothingWrong(page);
	await leave(page);
}

export async function an_account_is_deleted_by_its_owner(browser, server) {
	const account = await server.account("leaving");
	await server.admin("POST", "/admin/products", { name: "kept" });
	await server.admin("POST", "/admin/licences", { account: account.email, product: "kept" });
	const page = await signedIn(browser, account);
	await button(page, "Delete my account").click();
	const dialog = page.getByRole("dialog", { name: "Delete your account?" });
	const confirm = field(page, "Type your e-mail address to confirm"), remove = dialog.getByRole("button", { name: "Delete my account" });
	assert.equal(await focused(page), "Delete your account?", "what goes is read first");
	await look(page, "delete-account");
	await confirm.fill("somebody.else@example.com");
	await remove.click();
	await page.getByText("This is not your address").waitFor();
	await button(page, "Cancel").click();
	await dialog.waitFor({ state: "detached" });
	assert.equal(await focused(page), "Delete my account");

	// Licences that have not ended are not lost by mistake.
	forgetProof(server, account);
	await button(page, "Delete my account").click();
	await confirm.fill(account.email.toUpperCase());
	await remove.click();
	await field(page, "Password").fill(account.password);
	await page.keyboard.press("Enter");
	await page.getByText("You have licences that have not ended.").waitFor();
	await look(page, "delete-account-licences");
	await page.getByLabel("Delete my licences too").check();
	await remove.click();
	await at(page, "Sign in");
	await page.getByText("Your account is deleted.").waitFor();
	await look(page, "sign-in-account-deleted");
	assert.deepEqual(await page.context().cookies(), []);
	await fillSignIn(page, account);
	await page.getByRole("alert").waitFor();
	assert.equal(path(page), "/sign-in");
	assertNothingWrong(page);
	await leave(page);
}
