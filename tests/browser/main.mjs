// All browser tests, with one Chromium. Run by scripts/test.sh; by hand:
//   node tests/browser/main.mjs [part of a test's name]
import { after, before, describe, test } from "node:test";
import { Browser } from "./browser.mjs";
import { Mailbox } from "./mailbox.mjs";
import { Server } from "./server.mjs";
import * as account from "./account.mjs";
import * as crossSite from "./cross_site.mjs";
import * as device from "./device.mjs";
import * as factors from "./factors.mjs";
import * as mails from "./mails.mjs";
import * as passkeys from "./passkeys.mjs";
import * as providers from "./providers.mjs";
import * as signIn from "./sign_in.mjs";
import * as site from "./site.mjs";

const only = process.argv[2] ?? "";
let mailbox, server, fresh, browser;

before(async () => {
	mailbox = await Mailbox.start();
	server = await Server.start({ settings: ["session.limit=900", "limit.api=1000", "auth.second_factor_roles=guest",
		"net.allow_insecure_loopback=true", ...mailbox.settings] });
	server.mailbox = mailbox;
	fresh = await Server.start({ admin: false });
	browser = await Browser.start(server, fresh);
});
after(async () => {
	await browser?.close();
	await fresh?.close();
	await server?.close();
	await mailbox?.close();
});

// Two at a time where they do not disturb each other; the last file stops the server in between.
for (const [file, tests] of Object.entries({ signIn, factors, passkeys, mails, account, device, providers, crossSite, site }))
	describe(file, { concurrency: file === "site" ? 1 : 2 }, () => {
		for (const [name, run] of Object.entries(tests))
			if (`${file}.${name}`.includes(only))
				test(`${file}.${name}`, { timeout: 90_000 }, () => run(browser, server, fresh));
	});
