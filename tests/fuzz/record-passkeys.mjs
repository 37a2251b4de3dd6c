// Records what a real Chromium answers, with its own authenticator, to this corpus' challenge on its
// origin: the seeds corpus/passkey/chromium_*, and the answers whole as a header for the unit test.
// Run when Chromium says something new, after tests/browser/run.sh has installed playwright-core:
//   node tests/fuzz/record-passkeys.mjs && clang-format -i tests/unit/account/chromium_passkeys.h
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../browser/", import.meta.url))("playwright-core");
const ORIGIN = "https://vpn.example.com";
const KINDS = { es256: { algorithm: -7 }, eddsa: { algorithm: -8 }, rs256: { algorithm: -257 },
	extensions: { algorithm: -7, extensions: { minPinLength: true } } };
/** passkey_fuzz.c: what the first byte of an input says about the rest. */
const [CLIENT_DATA, ATTESTATION_OBJECT, AUTHENTICATOR_DATA, CBOR] = [0, 1, 2, 3];

/** Runs in the page: a registration and an assertion, each as the WebAuthn JSON of its answer. */
async function answers({ algorithm, extensions }) {
	const challenge = new Uint8Array(32);
	const created = await navigator.credentials.create({ publicKey: { challenge, rp: { name: "Slipway" },
		user: { id: new Uint8Array(16), name: "jane@example.com", displayName: "Jane" },
		pubKeyCredParams: [{ type: "public-key", alg: algorithm }], extensions,
		authenticatorSelection: { residentKey: "required", userVerification: "required" } } });
	const got = await navigator.credentials.get({ publicKey: { challenge, userVerification: "required" } });
	return { created: created.toJSON().response, got: got.toJSON().response };
}

async function record(browser, kind) {
	const context = await browser.newContext();
	const page = await context.newPage();
	await page.route(ORIGIN + "/", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
	await page.goto(ORIGIN);
	const devtools = await context.newCDPSession(page);
	await devtools.send("WebAuthn.enable");
	await devtools.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", ctap2Version: "ctap2_1",
		transport: "internal", hasMinPinLength: true, hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
		automaticPresenceSimulation: true } });
	const answer = await page.evaluate(answers, kind);
	await context.close();
	return answer;
}

const bytes = (text) => Buffer.from(text, "base64url");

/** Now and then Chromium adds a member nobody knows, so that nobody relies on its absence. */
const isExtended = (clientData) => bytes(clientData).includes("other_keys_can_be_added_here");

function seed(name, kind, bytes) {
	writeFileSync(new URL(`corpus/passkey/chromium_${name}`, import.meta.url), Buffer.concat([Buffer.of(kind), bytes]));
}

/** The key, and the extensions where there are any: what follows the credential's id in authenticator data. */
function keyOf({ authenticatorData }) {
	const data = bytes(authenticatorData);
	return data.subarray(55 + data.readUInt16BE(53));
}

/** An element of the header's array; the strings in pieces of a line each. */
function row(members) {
	const pieces = (text) => text.match(/.{1,72}/g).map((piece) => `"${piece}"`).join("\n");
	return `{\n${Object.entries(members).map(([name, text]) => `.${name} = ${pieces(text)},\n`).join("")}},`;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const rows = [];
for (const [name, kind] of Object.entries(KINDS)) {
	const { created, got } = await record(browser, kind);
	seed(`new_${name}`, ATTESTATION_OBJECT, bytes(created.attestationObject));
	seed(`cose_${name}`, CBOR, keyOf(created));
	for (const [of, { clientDataJSON }] of Object.entries({ create: created, get: got }))
		seed(`client_${of}${isExtended(clientDataJSON) ? "_extended" : ""}`, CLIENT_DATA, bytes(clientDataJSON));
	seed("data", AUTHENTICATOR_DATA, bytes(got.authenticatorData));
	rows.push(row({ name, create: created.clientDataJSON, object: created.attestationObject, get: got.clientDataJSON,
		data: got.authenticatorData, signature: got.signature }));
}
writeFileSync(new URL("../unit/account/chromium_passkeys.h", import.meta.url), `\
#ifndef SLIPWAY_TESTS_UNIT_ACCOUNT_CHROMIUM_PASSKEYS_H
#define SLIPWAY_TESTS_UNIT_ACCOUNT_CHROMIUM_PASSKEYS_H

/*
 * Registrations and assertions of Chromium ${browser.version()} with its own authenticator, written by
 * tests/fuzz/record-passkeys.mjs: ${ORIGIN}, a challenge of 32 zero bytes. Base64url.
 */
struct recorded {
	const char *name, *create, *object, *get, *data, *signature;
};

static const struct recorded of_chromium[] = {
${rows.join("\n")}
};

#endif
`);
await browser.close();
