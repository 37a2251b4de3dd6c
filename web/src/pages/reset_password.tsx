// A forgotten password: the mailed link leads here, to choose a new one.
import { useState } from "preact/hooks";
import { post, Problem } from "../api";
import { Form, NewPasswordField } from "../forms";
import { Heading, Link, takeTicket } from "../router";
import { leave, useSession } from "../session";

function Over({ why }: { why: string }) {
	return (
		<>
			<Heading>This link is over</Heading>
			<p>{why}</p>
			<div class="actions">
				<Link to="/password-reset" class="button primary">Ask for another link</Link>
				<Link to="/sign-in" class="button">Sign in</Link>
			</div>
		</>
	);
}

export function ResetPassword() {
	const session = useSession();
	const [token] = useState(takeTicket);
	const [over, setOver] = useState(token ? "" : "It is incomplete. Open it from the message once more, or ask for another one.");
	if (over) return <Over why={over} />;
	return (
		<>
			<Heading>Choose a new password</Heading>
			<Form submit="Change password" concerns={{ password_refused: "password" }} onSubmit={async ({ password }) => {
				try {
					await post("/auth/password-reset/confirm", { token, password }, { open: true });
				} catch (error) {
					if (!(error instanceof Problem && /^(reset_invalid|invalid_member)$/.test(error.code))) throw error;
					return setOver("It was used already, or is older than an hour. Your password is as it was.");
				}
				await leave(session, { kind: "success", text: "Your password is changed. Sign in with the new one." });
			}}>
				<NewPasswordField autoFocus />
			</Form>
			<p class="muted small">You will be signed out everywhere.</p>
		</>
	);
}
