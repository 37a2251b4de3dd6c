// The one way to the server: every request of the pages goes through call(). Hard rule: what the
// server answered is never guessed from the status alone; its problem document says it (RFC 9457).

/** An answer of the server that is no success. */
export class Problem extends Error {
	readonly status: number;
	/** Machine-readable reason, such as `mfa_required`. */
	readonly code: string;
	/** All members of the problem document. */
	readonly members: Record<string, unknown>;
	/** Seconds to wait before the next try, or 0. */
	readonly retryAfter: number;

	constructor(status: number, members: Record<string, unknown>, retryAfter: number) {
		const text = members.detail ?? members.title;
		super(typeof text === "string" ? text : `The server answered ${status}.`);
		this.status = status;
		this.code = typeof members.code === "string" ? members.code : "";
		this.members = members;
		this.retryAfter = retryAfter;
	}

	get requestId(): string {
		return typeof this.members.request_id === "string" ? this.members.request_id : "";
	}
}

/** The server was not reached: no network, or it is down. */
export class Unreachable extends Error {
	constructor() {
		super("The server cannot be reached.");
	}
}

/** Something that did not work, with words for people. */
export class Explained extends Error {}

/** What the rest of the pages does when the server asks for something. Set once, by the app. */
export interface Hooks {
	/** The session is over or was never there. */
	onSignedOut(): void;
	/** Proves again who is sitting here; false when the person would rather not. */
	stepUp(): Promise<boolean>;
}

let hooks: Hooks | undefined;
/** Bound to the session; from sign-in or GET /me, kept in memory only. */
let csrfToken = "";

export function setHooks(h: Hooks): void {
	hooks = h;
}

export function setCsrfToken(token: string | undefined): void {
	csrfToken = token ?? "";
}

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface Options {
	/** An open page asks: 401 is an answer there, not the end of a session. */
	open?: boolean;
	/** Form-encoded body, for the OAuth endpoints. */
	form?: boolean;
}

async function once(method: Method, path: string, body: unknown, options: Options): Promise<Response> {
	const headers: Record<string, string> = { Accept: "application/json" };
	let content: string | undefined;
	if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
	if (body !== undefined && options.form) {
		headers["Content-Type"] = "application/x-www-form-urlencoded";
		content = new URLSearchParams(body as Record<string, string>).toString();
	} else if (body !== undefined) {
		headers["Content-Type"] = "application/json";
		content = JSON.stringify(body);
	}
	try {
		return await fetch("/api/v1" + path, {
			method, headers, body: content, credentials: "same-origin", cache: "no-store", redirect: "error",
		});
	} catch {
		throw new Unreachable();
	}
}

async function read(response: Response): Promise<unknown> {
	if (response.status === 204) return undefined;
	const type = response.headers.get("Content-Type") ?? "";
	try {
		return /json/.test(type) ? await response.json() : await response.text();
	} catch {
		throw new Unreachable(); // cut off in the middle
	}
}

function problemOf(response: Response, content: unknown): Problem {
	const members = typeof content === "object" && content ? (content as Record<string, unknown>) : {};
	// OAuth endpoints say it their way (RFC 6749, 5.2).
	if (typeof members.error === "string")
		Object.assign(members, { code: members.error, detail: members.error_description });
	return new Problem(response.status, members, Number(response.headers.get("Retry-After")) || 0);
}

/**
 * One request; gives the JSON of a success and throws Problem or Unreachable otherwise. A session
 * that asks for a fresh proof gets one from the person and the request is sent once more.
 */
export async function call<T>(method: Method, path: string, body?: unknown, options: Options = {}): Promise<T> {
	for (let attempt = 0; ; attempt++) {
		const response = await once(method, path, body, options);
		const content = await read(response);
		if (response.ok) return content as T;

		const problem = problemOf(response, content);
		if (problem.status === 401 && !options.open) hooks?.onSignedOut();
		if (attempt === 0 && problem.code === "step_up_required" && (await hooks?.stepUp())) continue;
		// Another tab has signed in anew: the token kept here belongs to the session before.
		if (attempt === 0 && problem.code === "csrf" && (await renewCsrfToken())) continue;
		throw problem;
	}
}

async function renewCsrfToken(): Promise<boolean> {
	const response = await once("GET", "/me", undefined, {});
	if (!response.ok) return false;
	const me = (await read(response)) as { csrf_token?: string };
	setCsrfToken(me.csrf_token);
	return csrfToken !== "";
}

export const get = <T>(path: string, options?: Options) => call<T>("GET", path, undefined, options);
export const post = <T>(path: string, body?: unknown, options?: Options) => call<T>("POST", path, body, options);
export const patch = <T>(path: string, body: unknown) => call<T>("PATCH", path, body);
export const del = <T>(path: string, body?: unknown) => call<T>("DELETE", path, body);

export interface List<T> {
	items: T[];
	next_cursor: string | null;
}

/** All items of a list, page by page. At most `limit`: pages show people's own things. */
export async function getAll<T>(path: string, limit = 1000): Promise<T[]> {
	const items: T[] = [];
	let cursor: string | null = null;
	do {
		const more: string = cursor ? `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : "";
		const list: List<T> = await get<List<T>>(path + more);
		items.push(...list.items);
		cursor = list.next_cursor ?? null;
	} while (cursor && items.length < limit);
	return items;
}

/** What went wrong, in words for people. */
export function explain(error: unknown): string {
	if (error instanceof Unreachable)
		return "The server cannot be reached. Check your connection and try again.";
	if (error instanceof Explained) return error.message;
	if (!(error instanceof Problem)) {
		console.error(error);
		return "Something went wrong on this page. Reload it and try again.";
	}
	if (error.status === 429) {
		const wait = error.retryAfter;
		return wait > 0 ? `Too many attempts. Try again in ${duration(wait)}.` : "Too many attempts. Try again later.";
	}
	if (error.code === "mail_off") return error.message;
	if (error.status === 503) return "The server is busy or restarting. Try again in a moment.";
	if (error.status >= 500)
		return `The server failed to do this. If it happens again, tell your administrator${
			error.requestId ? `: request ${error.requestId}` : ""}.`;
	const text = error.message;
	return /[.!?]$/.test(text) ? text : text + ".";
}

function duration(seconds: number): string {
	if (seconds < 90) return `${seconds} second${seconds === 1 ? "" : "s"}`;
	return `${Math.ceil(seconds / 60)} minutes`;
}
