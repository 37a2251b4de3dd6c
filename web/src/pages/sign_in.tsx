// Sign-in with a password. Identity providers and passkeys stand beside it where there are any.
import { useEffect } from "preact/hooks";
import { post } from "../api";
import { Field, Form, PasswordField, type Values } from "../forms";
import { Heading, navigate, query } from "../router";
import { enter, goOnWithFactor, rememberReturn, takeReturn, useSession, type SignedIn } from "../session";

export function SignIn() {
	const session = useSession();
	useEffect(() => {
		const to = query("return_to");
		if (to) rememberReturn(to);
	}, []);
	useEffect(() => {
		// Somebody who is signed in has no business here.
		if (session.me) navigate(takeReturn(), { replace: true });
	}, [session.me]);

	const signIn = async (values: Values) => {
		const words = { email: values.email!.trim(), password: values.password, session: "cookie" };
		let answer: SignedIn;
		try {
			answer = await post<SignedIn>("/auth/login", words, { open: true });
		} catch (error) {
			return goOnWithFactor(error);
		}
		await enter(answer, session);
	};
	return (
		<>
			<Heading>Sign in</Heading>
			<Form submit="Sign in" onSubmit={signIn}>
				<Field name="email" label="E-mail address" type="email" autocomplete="username" required
					spellcheck={false} autocapitalize="off" autoFocus />
				<PasswordField autocomplete="current-password" />
			</Form>
		</>
	);
}
