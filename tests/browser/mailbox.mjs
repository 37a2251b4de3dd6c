// A real SMTP server (aiosmtpd, as in the Python tests) that keeps what it gets in a Maildir.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, waitUntil } from "./server.mjs";

function answers(port) {
	return new Promise((done) => {
		const probe = connect(port, "127.0.0.1", () => probe.end(() => done(true)));
		probe.on("error", () => done(false));
	});
}

export class Mailbox {
	static async start() {
		const box = new Mailbox();
		box.dir = mkdtempSync(join(tmpdir(), "slipway-mail-"));
		box.port = await freePort();
		box.process = spawn("/usr/bin/python3", ["-m", "aiosmtpd", "-n", "-l", `127.0.0.1:${box.port}`,
			"-c", "aiosmtpd.handlers.Mailbox", join(box.dir, "mail")], { stdio: "ignore" });
		await waitUntil(() => answers(box.port), "the mail server");
		return box;
	}

	async close() {
		const ended = new Promise((done) => this.process.once("exit", done));
		this.process.kill("SIGTERM");
		await ended;
		rmSync(this.dir, { recursive: true, force: true });
	}

	get settings() {
		return [`mail.server=smtp://127.0.0.1:${this.port}`, "mail.from=slipway@example.com"];
	}

	/** Texts of the mails to an address about something, the oldest first. */
	to(address, subject) {
		const dir = join(this.dir, "mail", "new");
		return readdirSync(dir).sort().map((name) => readFileSync(join(dir, name), "latin1")).flatMap((mail) => {
			const end = mail.search(/\r?\n\r?\n/);
			const head = mail.slice(0, end);
			if (!head.includes(`<${address}>`) || !new RegExp(`^Subject: .*${subject}`, "m").test(head)) return [];
			return [mail.slice(end).replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))];
		});
	}

	/** The link in the count-th of those mails: its path and what is behind the #. */
	async link(address, subject, count = 1) {
		const text = await waitUntil(() => this.to(address, subject)[count - 1], `a mail to ${address}: ${subject}`, 40);
		const { pathname, hash } = new URL(/https:\S+#\S+/.exec(text)[0]);
		return pathname + hash;
	}
}
