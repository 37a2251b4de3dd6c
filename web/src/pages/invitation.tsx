// An invitation from an administrator, accepted by choosing a password.
import { useState } from "preact/hooks";
import { post } from "../api";
import { Form, NewPasswordField } from "../forms";
import { Heading, takeTicket } from "../router";
import { enter, useSession, type SignedIn } from "../session";
import { Alert } from "../ui";

export function Invitation() {
	const session = useSession();
	const [token] = useState(takeTicket);
	return (
		<>
			<Heading>Accept your invitation</Heading>
			{!token && <Alert kind="error">The link is incomplete. Open it from the message once more, or ask for a new invitation.</Alert>}
			{token && (
				<Form submit="Accept" concerns={{ password_refused: "password" }} onSubmit={async ({ password }) => {
					await enter(await post<SignedIn>("/auth/invitation", { token, password, session: "cookie" }, { open: true }), session);
				}}>
					<NewPasswordField label="Choose a password" autoFocus />
				</Form>
			)}
		</>
	);
}
