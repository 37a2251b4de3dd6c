// What a person has on their phone.
import { createHmac } from "node:crypto";
import { waitUntil } from "./server.mjs";

/** An authenticator app (RFC 6238). It gives each code once, that of the step before first. */
export class App {
	constructor(secret) {
		const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
		this.key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
		this.last = 0;
	}

	at(step) {
		const counter = Buffer.alloc(8);
		counter.writeBigUInt64BE(BigInt(step));
		const mac = createHmac("sha1", this.key).update(counter).digest();
		const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
		return String(number % 1_000_000).padStart(6, "0");
	}

	async code() {
		const now = () => Math.floor(Date.now() / 30_000);
		const step = Math.max(now() - 1, this.last + 1);
		await waitUntil(() => step <= now(), "the next code", 31);
		this.last = step;
		return this.at(step);
	}

	/** As if the enrolment had been a while ago, so that nobody has to wait for the next code. */
	forgetSteps(server, account) {
		server.sql(`UPDATE factors SET counter = 1 WHERE account_id = '${account.id}'`);
		this.last = 0;
	}

	/** Enrolled by the API, as a second factor of the account. */
	static async enrol(server, account) {
		const token = await server.login(account.email, account.password);
		const app = new App((await server.api("POST", "/me/totp", undefined, token)).secret);
		await server.api("POST", "/me/totp/confirm", { otp: await app.code() }, token);
		app.forgetSteps(server, account);
		return app;
	}
}
