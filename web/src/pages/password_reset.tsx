// A forgotten password: asks for the link by mail. Hard rule: what is said is the same for every address.
import { useState } from "preact/hooks";
import { post } from "../api";
import { Field, Form } from "../forms";
import { Heading, Link } from "../router";
import { rememberEmail, typedEmail } from "../session";
import { Button } from "../ui";

export function PasswordReset() {
	const [sentTo, setSentTo] = useState("");
	const send = async (email: string) => {
		await post("/auth/password-reset", { email }, { open: true });
		rememberEmail(email);
		setSentTo(email);
	};
	if (sentTo)
		return (
			<>
				<Heading>Look at your mail</Heading>
				<p>If <strong class="breakable">{sentTo}</strong> has an account with a password here, a link to choose a new one is on its way.
					It works once, for an hour.</p>
				<p class="muted">Nothing after a few minutes? Look among unwanted mail, and check the address.</p>
				<div class="actions">
					<Link to="/sign-in" class="button primary">Back to sign-in</Link>
					<Button onClick={() => setSentTo("")}>Ask again</Button>
				</div>
			</>
		);
	return (
		<>
			<Heading>Forgot your password?</Heading>
			<p>Give your address. We mail you a link to choose a new password.</p>
			<Form submit="Send the link" concerns={{ invalid_member: "email" }} onSubmit={({ email }) => send(email!.trim())}>
				<Field name="email" label="E-mail address" type="email" autocomplete="username" required spellcheck={false} autocapitalize="off"
					defaultValue={typedEmail()} maxLength={254} autoFocus />
			</Form>
			<p class="aside"><Link to="/sign-in">Back to sign-in</Link></p>
		</>
	);
}
