// An invitation from an administrator, accepted by choosing a password.
import { useState } from "preact/hooks";
import { post, Problem } from "../api";
import { Form, NewPasswordField } from "../forms";
import { Heading, Link, takeTicket } from "../router";
import { enter, useSession, type SignedIn } from "../session";

export function Invitation() {
	const session = useSession();
	const [token] = useState(takeTicket);
	const [over, setOver] = useState(token ? "" : "The link is incomplete. Open it from the message once more.");
	if (over)
		return (
			<>
				<Heading>No invitation here</Heading>
				<p>{over}</p>
				<p>Whoever invited you can send another one. If you have accepted already, sign in.</p>
				<div class="actions"><Link to="/sign-in" class="button primary">Sign in</Link></div>
			</>
		);
	return (
		<>
			<Heading>Accept your invitation</Heading>
			<p>Choose a password. Your address is the one the invitation was mailed to.</p>
			<Form submit="Accept" concerns={{ password_refused: "password" }} onSubmit={async ({ password }) => {
				try {
					await enter(await post<SignedIn>("/auth/invitation", { token, password, session: "cookie" }, { open: true }), session);
				} catch (error) {
					if (!(error instanceof Problem && /^(invitation_invalid|invalid_member)$/.test(error.code))) throw error;
					setOver("The invitation was used, withdrawn or is too old.");
				}
			}}>
				<NewPasswordField label="Choose a password" autoFocus />
			</Form>
		</>
	);
}
