// The first administrator, made once with the token that `slipway init` has shown.
import { useState } from "preact/hooks";
import { post } from "../api";
import { Field, Form, NewPasswordField } from "../forms";
import { Heading, takeSecret } from "../router";
import { enter, useSession, type SignedIn } from "../session";

export function SetUp() {
	const session = useSession();
	const [token] = useState(() => takeSecret("token"));
	return (
		<>
			<Heading>Set up Slipway</Heading>
			<p>Make the first administrator’s account. It takes the token that <code>slipway init</code> has shown.</p>
			<Form submit="Make the account" concerns={{ setup_token_invalid: "token", setup_token_expired: "token", password_refused: "password" }}
				onSubmit={async ({ token, email, password }) => {
					const account = { email: email!.trim(), password };
					await post("/setup", { token: token!.trim(), ...account }, { open: true });
					await enter(await post<SignedIn>("/auth/login", { ...account, session: "cookie" }, { open: true }), session);
				}}>
				<Field name="token" label="Set-up token" required defaultValue={token} autocomplete="off" spellcheck={false} maxLength={128} class="code"
					autoFocus={!token} />
				<Field name="email" label="E-mail address" type="email" autocomplete="username" required spellcheck={false}
					autocapitalize="off" autoFocus={token !== ""} />
				<NewPasswordField label="Password" />
			</Form>
		</>
	);
}
