// Passkeys as the browser has them (WebAuthn). Hard rule: a ticket and the answer to its challenge
// stay together, and a challenge is asked for only when an answer is wanted.
import { Explained, post, type Options } from "./api";

/** A challenge of the server. */
interface Begun<Options> {
	ticket: string;
	options: Options;
}
type ToCreate = PublicKeyCredentialCreationOptionsJSON;
type ToGet = PublicKeyCredentialRequestOptionsJSON;

/** What the server takes as an answer to one. */
export interface PasskeyAnswer {
	ticket: string;
	credential: unknown;
}

const IS_ADDRESS = /^\[|^\d+(\.\d+){3}$/;

/** Whether this browser has passkeys here: it knows the JSON of WebAuthn, and the site has a name. */
export function hasPasskeys(): boolean {
	return "PublicKeyCredential" in window && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function" &&
		!IS_ADDRESS.test(location.hostname);
}

/** Where somebody would need one and the browser cannot. */
export const NO_PASSKEYS = "This browser cannot use passkeys here.";

/** The browser does not say more, so that a page cannot find out which passkeys somebody has. */
function inWords(error: unknown): unknown {
	if (!(error instanceof DOMException)) return error;
	if (error.name === "InvalidStateError") return new Explained("There is a passkey for your account on this device already.");
	if (error.name === "SecurityError") return new Explained("Passkeys belong to this server’s public address. Open the page there.");
	return new Explained("No passkey was used. Try again, or choose another way.");
}

/** Asks for a passkey, in the browser's own dialog. */
export async function askPasskey(path: string, body?: unknown, how?: Options): Promise<PasskeyAnswer> {
	const { ticket, options } = await post<Begun<ToGet>>(path, body, how);
	return { ticket, credential: await getCredential(options) };
}

async function getCredential(options: ToGet, how: CredentialRequestOptions = {}): Promise<unknown> {
	const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
	try {
		return ((await navigator.credentials.get({ ...how, publicKey })) as PublicKeyCredential).toJSON();
	} catch (error) {
		throw inWords(error);
	}
}

/** Makes one for whoever is signed in. */
export async function makePasskey(): Promise<PasskeyAnswer> {
	const { ticket, options } = await post<Begun<ToCreate>>("/me/passkeys/options");
	const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
	try {
		return { ticket, credential: ((await navigator.credentials.create({ publicKey })) as PublicKeyCredential).toJSON() };
	} catch (error) {
		throw inWords(error);
	}
}

/** A challenge lives for minutes; it is offered until this before its end. */
const SPARE_MS = 30_000;
const LIFE_MS = 300_000;

/**
 * Offers passkeys among what the browser fills in, always with a challenge that is good, until one
 * is picked or the offer is withdrawn. Gives nothing where that cannot be: the button is there too.
 */
export async function offerPasskeys(withdrawn: AbortSignal): Promise<PasskeyAnswer | undefined> {
	if (!hasPasskeys() || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return undefined;
	while (!withdrawn.aborted) {
		const { ticket, options } = await post<Begun<ToGet>>("/auth/passkey/options", {}, { open: true });
		const old = AbortSignal.timeout((options.timeout ?? LIFE_MS) - SPARE_MS);
		try {
			const signal = AbortSignal.any([withdrawn, old]);
			return { ticket, credential: await getCredential(options, { mediation: "conditional", signal }) };
		} catch (error) {
			if (!old.aborted) throw error;
		}
		await seen(withdrawn);
	}
	return undefined;
}

/** A page nobody looks at needs no challenge. */
function seen(withdrawn: AbortSignal): Promise<void> {
	return new Promise((done) => {
		const look = () => {
			if (document.hidden && !withdrawn.aborted) return;
			document.removeEventListener("visibilitychange", look);
			done();
		};
		document.addEventListener("visibilitychange", look);
		withdrawn.addEventListener("abort", look);
		look();
	});
}
