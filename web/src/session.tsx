// Who is signed in. One state for all pages: unknown until the server has been asked.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { get, post, Problem, setCsrfToken } from "./api";
import { navigate, query, safeReturn, type Notice } from "./router";

export interface Me {
	kind: "account" | "api_key";
	account_id: string;
	email: string;
	/** When its holder showed that mail reaches them. */
	verified_at: string | null;
	/** Not of those who only sign in through a provider. */
	has_password: boolean;
	role: string;
	organisation: string | null;
	permissions: string[];
	entitlements: string[];
	session_id: string | null;
	csrf_token?: string;
}

/** Words of a list of permissions that narrow the others: to products, to one's own organisation. */
export function isLimit(word: string): boolean {
	return word.includes(":");
}

/** Answer of every way to sign in with a cookie. */
export interface SignedIn {
	session_id: string;
	csrf_token: string;
	expires_at: string;
	mfa_enrolment_required?: boolean;
}

/** A sign-in that waits for its second factor; in memory only, as a password would be. */
export interface Waiting {
	mfa_token: string;
	/** How it can be answered: totp, passkey, recovery_code. */
	methods: string[];
}

let waiting: Waiting | undefined;

/** When signing in fails because a second factor is due: goes on to ask for it. */
export function goOnWithFactor(error: unknown): void {
	if (!(error instanceof Problem && error.code === "mfa_required")) throw error;
	waiting = { mfa_token: String(error.members.mfa_token), methods: (error.members.methods as string[]) ?? ["totp"] };
	navigate("/second-factor");
}

/** Back from an identity provider, and a second factor is due: the server says so behind the #. */
export function takeWaiting(): Waiting | undefined {
	const given = new URLSearchParams(location.hash.slice(1));
	const mfa_token = given.get("mfa_token");
	if (!mfa_token) return waiting;
	waiting = { mfa_token, methods: (given.get("methods") ?? "").split(" ") };
	rememberReturn(query("return_to"));
	history.replaceState(null, "", location.pathname);
	return waiting;
}

let typed = "";

/** The address typed at sign-in, so that it need not be typed again for a new password. */
export function rememberEmail(email: string): void {
	typed = email.trim();
}
export const typedEmail = () => typed;

export interface Session {
	/** undefined: not asked yet; null: nobody is signed in. */
	me: Me | null | undefined;
	/** Asks the server again who this is. */
	refresh(): Promise<void>;
	/** Nothing is known any more, until refresh(). */
	forget(): void;
}

export const SessionContext = createContext<Session>({ me: undefined, refresh: async () => {}, forget() {} });
export const useSession = () => useContext(SessionContext);

export async function loadMe(): Promise<Me> {
	const me = await get<Me>("/me");
	setCsrfToken(me.csrf_token ?? undefined);
	return me;
}

const RETURN_KEY = "return_to";

/** Where the person wanted to go before signing in; kept for this tab, over a second factor too. */
export function rememberReturn(to: string): void {
	sessionStorage.setItem(RETURN_KEY, safeReturn(to));
}

export function peekReturn(): string {
	return safeReturn(sessionStorage.getItem(RETURN_KEY) ?? "/account");
}

export function takeReturn(fallback = "/account"): string {
	const to = sessionStorage.getItem(RETURN_KEY);
	sessionStorage.removeItem(RETURN_KEY);
	return to ? safeReturn(to) : fallback;
}

/** Keeps what a sign-in, or a change that opens a new session, gave. */
export async function keepSession(answer: SignedIn, session: Session): Promise<void> {
	setCsrfToken(answer.csrf_token);
	await session.refresh();
}

/** After any sign-in: keeps what it gave and goes on, to a page that waits for who this is now. */
export async function enter(answer: SignedIn, session: Session): Promise<void> {
	waiting = undefined;
	typed = "";
	session.forget();
	navigate(answer.mfa_enrolment_required ? "/enrol" : takeReturn(), { replace: true });
	await keepSession(answer, session);
}

/** A request at whose end the server clears this site's data; the choice of a theme is kept. */
export async function keepingTheme<T>(request: () => Promise<T>): Promise<T> {
	const theme = localStorage.getItem("theme");
	const answer = await request();
	if (theme) localStorage.setItem("theme", theme);
	return answer;
}

/** The session is over, and the person knows: on to signing in, as whoever it may be. */
export async function leave(session: Session, say?: Notice, returnTo?: string): Promise<void> {
	setCsrfToken(undefined);
	session.forget();
	if (returnTo) rememberReturn(returnTo);
	navigate("/sign-in", { say });
	await session.refresh();
}

const logout = () => keepingTheme(() => post<{ logout_url: string | null } | undefined>("/auth/logout", {}, { open: true }));

/** Signs out here. */
export async function signOut(session: Session, returnTo?: string): Promise<void> {
	const left = await logout().catch(async (error) => {
		// Another tab may have signed in anew. If the session had ended already, loadMe() leads on.
		if (!(error instanceof Problem && error.code === "nothing_to_end")) throw error;
		await loadMe();
		return logout();
	});
	// Through a provider one has come: the session there ends too.
	if (left?.logout_url) return location.assign(left.logout_url);
	await leave(session, undefined, returnTo);
}
