// The link mailed to an address leads here: that address is its holder's, and counts from now on.
import { useState } from "preact/hooks";
import { post, Problem } from "../api";
import { Heading, Link, takeTicket } from "../router";
import { useSession } from "../session";
import { Show, useLoad } from "../ui";

type Outcome = { email: string } | { refused: string };

const INCOMPLETE = "It is incomplete: open it from the message once more.";
const REFUSED: Record<string, string> = {
	verification_invalid: "It was used already, replaced by a later one, or is older than a day.",
	email_taken: "There is another account with this address. Sign in to that one, or choose another address.",
	invalid_member: INCOMPLETE,
};

export function VerifyEmail() {
	const session = useSession();
	const [token] = useState(takeTicket);
	const outcome = useLoad<Outcome>(async () => {
		if (!token) return { refused: INCOMPLETE };
		try {
			const verified = await post<{ email: string }>("/auth/email-verification", { token }, { open: true });
			await session.refresh();
			return verified;
		} catch (error) {
			const refused = error instanceof Problem ? REFUSED[error.code] : undefined;
			if (!refused) throw error;
			return { refused };
		}
	});
	const onward = session.me
		? <Link to="/account" class="button primary">Go to your account</Link>
		: <Link to="/sign-in" class="button primary">Sign in</Link>;
	if (!outcome.data)
		return <><Heading>Your e-mail address</Heading><Show of={outcome} what="the answer">{() => null}</Show></>;
	if ("refused" in outcome.data)
		return (
			<>
				<Heading>Not confirmed</Heading>
				<p>This link does not work. {outcome.data.refused}</p>
				<p>You can have another one sent from your profile.</p>
				<div class="actions">{onward}</div>
			</>
		);
	return (
		<>
			<Heading>Address confirmed</Heading>
			<p>Your account has the address <strong class="breakable">{outcome.data.email}</strong>, and mail to it reaches you.</p>
			<div class="actions">{onward}</div>
		</>
	);
}
