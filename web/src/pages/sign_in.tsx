// Sign-in with a password; beside it with a passkey, or through the identity providers there are.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { Field, Form, PasswordField, type Values } from "../forms";
import { PasskeySignIn } from "../passkeys";
import { ProviderFailure, ProviderLinks, type Provider } from "../providers";
import { Heading, Link, navigate, query, takeNotice } from "../router";
import { enter, goOnWithFactor, peekReturn, rememberEmail, rememberReturn, takeReturn, typedEmail, useSession, type SignedIn } from "../session";
import { Alert } from "../ui";
import { hasPasskeys, type PasskeyAnswer } from "../webauthn";

export function SignIn() {
	const session = useSession();
	const [notice] = useState(takeNotice);
	const [providers, setProviders] = useState<Provider[]>([]);
	useEffect(() => {
		const to = query("return_to");
		if (to) rememberReturn(to);
		// Without them there is still the password.
		get<{ items: Provider[] }>("/auth/providers", { open: true }).then((list) => setProviders(list.items), () => {});
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
	const enterByPasskey = async (answer: PasskeyAnswer) => {
		await enter(await post<SignedIn>("/auth/passkey", { ...answer, session: "cookie" }, { open: true }), session);
	};
	return (
		<>
			<Heading>Sign in</Heading>
			{notice && <Alert kind={notice.kind}>{notice.text}</Alert>}
			<ProviderFailure />
			<Form submit="Sign in" onSubmit={signIn}>
				<Field name="email" label="E-mail address" type="email" autocomplete="username webauthn" required
					spellcheck={false} autocapitalize="off" autoFocus defaultValue={typedEmail()} onInput={(e) => rememberEmail(e.currentTarget.value)} />
				<PasswordField autocomplete="current-password" />
			</Form>
			<p class="aside"><Link to="/password-reset">Forgot your password?</Link></p>
			{(hasPasskeys() || providers.length > 0) && (
				<div class="choices">
					<p class="or">or</p>
					<PasskeySignIn onAnswer={enterByPasskey} />
					<ProviderLinks list={providers} returnTo={peekReturn()} />
				</div>
			)}
		</>
	);
}
