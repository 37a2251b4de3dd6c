// How one proves who one is: the password, and what is asked for besides it.
import { useState } from "preact/hooks";
import { post } from "../api";
import { Form, NewPasswordField, PasswordField } from "../forms";
import { Heading } from "../router";
import { keepSession, useSession, type SignedIn } from "../session";
import { Alert, Section } from "../ui";

function Password() {
	const session = useSession();
	const [turn, setTurn] = useState(0);
	return (
		<Section title="Password">
			{turn > 0 && <Alert kind="success">Your password is changed. All other sessions have ended.</Alert>}
			<Form key={turn} submit="Change password" concerns={{ wrong_password: "current", password_refused: "password" }}
				onSubmit={async (values) => {
					await keepSession(await post<SignedIn>("/me/password",
						{ current_password: values.current, new_password: values.password }), session);
					setTurn(turn + 1);
				}}>
				<input type="email" name="username" autocomplete="username" value={session.me?.email ?? ""} hidden readOnly />
				<PasswordField name="current" label="Present password" autocomplete="current-password" />
				<NewPasswordField />
			</Form>
		</Section>
	);
}

export function Security() {
	return (
		<>
			<Heading>Security</Heading>
			<Password />
		</>
	);
}
