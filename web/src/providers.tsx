// Identity providers: which there are, and why coming back from one failed.
import { useState } from "preact/hooks";
import { query } from "./router";
import { Alert } from "./ui";

export interface Provider {
	name: string;
	title: string;
	kind: string;
}

const ELSEWHERE = "The sign-in there did not work. Try again, or ask your administrator.";
/** The server gives its reason as a word in the address. */
const FAILURES: Record<string, string> = {
	access_denied: "You, or the provider, ended the sign-in.",
	account_exists: "There is an account with your address already. Sign in to it with its password, then link the other one.",
	email_unverified: "The provider does not say that your address was verified.",
	identity_taken: "That account is linked to somebody else here.",
	no_account: "There is no account for you here. Ask your administrator for one.",
	provider_not_found: "This provider is not there any more.",
	provider_refused: "The provider no longer gives you access.",
	sign_in_expired: "That took too long, or was begun in another window. Try again.",
	sign_in_throttled: "Too many sign-ins from your network went wrong. Wait some minutes, then try again.",
};

/** Says why a way through a provider ended here, when it did. */
export function ProviderFailure() {
	const [reason] = useState(() => query("error"));
	if (!reason) return null;
	return <Alert kind="error">{Object.hasOwn(FAILURES, reason) ? FAILURES[reason] : ELSEWHERE}</Alert>;
}

/** Links, not requests: the browser goes there itself. */
export function ProviderLinks({ list, returnTo }: { list: Pick<Provider, "name" | "title">[]; returnTo: string }) {
	return (
		<>
			{list.map((p) => (
				<a key={p.name} class="button wide" href={`/api/v1/auth/oidc/${encodeURIComponent(p.name)}/start?return_to=${encodeURIComponent(returnTo)}`}>
					Continue with {p.title}
				</a>
			))}
		</>
	);
}
