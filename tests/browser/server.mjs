// Runs the real Slipway for the browser tests: init, serve, stop; speaks to its API as an administrator.
import { spawn, spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const SLIPWAY = join(process.env.SLIPWAY_BUILD ?? join(ROOT, "build"), "slipway");
export const ADMIN = { email: "admin@example.com", password: "correct horse battery staple" };

export function freePort() {
	return new Promise((done) => {
		const probe = createServer().listen(0, "127.0.0.1", () => {
			const { port } = probe.address();
			probe.close(() => done(port));
		});
	});
}

/** Waits for a condition instead of sleeping for a guess; gives its value. */
export async function waitUntil(condition, what, seconds = 20) {
	const deadline = Date.now() + seconds * 1000;
	for (;;) {
		const value = await condition();
		if (value) return value;
		if (Date.now() > deadline) throw new Error(`timed out after ${seconds} s waiting for ${what}`);
		await new Promise((done) => setTimeout(done, 20));
	}
}

export class Server {
	/** With an administrator, or still to be set up (setupToken). */
	static async start({ admin = true, settings = [] } = {}) {
		const server = new Server();
		server.dir = mkdtempSync(join(tmpdir(), "slipway-test-"));
		server.data = join(server.dir, "data");
		server.port = await freePort();
		// By name, not by address: passkeys need a name.
		server.url = `https://localhost:${server.port}`;
		server.settings = [`public_url=${server.url}`, ...settings].flatMap((s) => ["--set", s]);
		const password = join(server.dir, "password");
		writeFileSync(password, ADMIN.password, { mode: 0o600 });
		const made = spawnSync(SLIPWAY, ["init", "--data", server.data, "--json",
			...(admin ? ["--admin-email", ADMIN.email, "--admin-password-file", password] : [])], { encoding: "utf8" });
		if (made.status !== 0) throw new Error(`slipway init: ${made.stderr}`);
		server.setupToken = JSON.parse(made.stdout).setup_token;
		await server.serve();
		return server;
	}

	async serve() {
		const log = openSync(join(this.dir, "serve.log"), "a");
		this.process = spawn(SLIPWAY, ["serve", "--data", this.data, "--https", `127.0.0.1:${this.port}`,
			"--set", "listen.http=", ...this.settings], { stdio: ["ignore", "pipe", log] });
		closeSync(log);
		let output = "";
		this.process.stdout.on("data", (chunk) => { output += chunk; });
		await waitUntil(() => {
			if (this.process.exitCode !== null) throw new Error(`slipway serve ended:\n${this.log()}`);
			return output.startsWith("ready ");
		}, "slipway serve");
	}

	log() {
		return readFileSync(join(this.dir, "serve.log"), "utf8").slice(-4000);
	}

	async stop() {
		if (this.process.exitCode !== null) return;
		const ended = new Promise((done) => this.process.once("exit", done));
		this.process.kill("SIGTERM");
		await ended;
	}

	async close() {
		await this.stop();
		rmSync(this.dir, { recursive: true, force: true });
	}

	get ca() {
		return readFileSync(join(this.data, "tls/ca.pem"));
	}

	/** The command line on a machine of its own: the process, and the lines it has printed so far. */
	commandLine(words, home) {
		const child = spawn(SLIPWAY, words, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH, HOME: home,
			SLIPWAY_SERVER: this.url, SLIPWAY_CA: join(this.data, "tls/ca.pem") } });
		const run = { lines: [], ended: new Promise((done) => child.once("close", done)) };
		let output = "";
		child.stdout.on("data", (chunk) => {
			output += chunk;
			run.lines = output.split("\n").slice(0, -1);
		});
		return run;
	}

	/** What Chromium is told to trust: the hash of the server's public key. */
	get keyHash() {
		const certificate = new X509Certificate(readFileSync(join(this.data, "tls/server.pem")));
		return createHash("sha256").update(certificate.publicKey.export({ type: "spki", format: "der" })).digest("base64");
	}

	/** One request; gives {status, headers, text, json}. */
	request(method, path, body, headers = {}) {
		const form = body instanceof URLSearchParams;
		const content = body === undefined ? undefined : form ? body.toString() : JSON.stringify(body);
		if (content) headers = { "Content-Type": form ? "application/x-www-form-urlencoded" : "application/json", ...headers };
		return new Promise((done, failed) => {
			const sent = request(this.url + path, { method, headers, ca: this.ca, agent: false }, (response) => {
				let text = "";
				response.setEncoding("utf8");
				response.on("data", (chunk) => { text += chunk; });
				response.on("end", () => done({ status: response.statusCode, headers: response.headers, text,
					get json() { return JSON.parse(text); } }));
			});
			sent.on("error", failed);
			sent.end(content);
		});
	}

	/** An API request that must succeed; gives its JSON. */
	async api(method, path, body, token) {
		const answer = await this.request(method, "/api/v1" + path, body, token ? { Authorization: `Bearer ${token}` } : {});
		if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
		return answer.text ? answer.json : undefined;
	}

	async login(email, password) {
		return (await this.api("POST", "/auth/login", { email, password })).access_token;
	}

	/** As the administrator. The token is kept while it is good. */
	async admin(method, path, body) {
		if (!this.token || Date.now() > this.tokenEnds) {
			this.token = await this.login(ADMIN.email, ADMIN.password);
			this.tokenEnds = Date.now() + 300_000;
		}
		return this.api(method, path, body, this.token);
	}

	/** For time that passes: what only a clock would change otherwise. */
	sql(text) {
		const done = spawnSync("sqlite3", ["-cmd", ".timeout 5000", join(this.data, "db/slipway.db"), text], { encoding: "utf8" });
		if (done.status !== 0) throw new Error(`sqlite3: ${done.stderr}`);
	}

	/** A new account; gives {id, email, password}. */
	async account(name, role = "user") {
		const account = { email: `${name}@example.com`, role, password: `${name} has a long password` };
		return { ...account, id: (await this.admin("POST", "/admin/accounts", account)).id };
	}
}
