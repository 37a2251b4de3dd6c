// Sign-in with a password, and beside it through the identity providers there are.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { Field, Form, PasswordField, type Values } from "../forms";
import { ProviderFailure, ProviderLinks, type Provider } from "../providers";
import { Heading, navigate, query } from "../router";
import { enter, goOnWithFactor, peekReturn, rememberReturn, takeReturn, useSession, type SignedIn } from "../session";

export function SignIn() {
	const session = useSession();
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
	return (
		<>
			<Heading>Sign in</Heading>
			<ProviderFailure />
			<Form submit="Sign in" onSubmit={signIn}>
				<Field name="email" label="E-mail address" type="email" autocomplete="username" required
					spellcheck={false} autocapitalize="off" autoFocus />
				<PasswordField autocomplete="current-password" />
			</Form>
			{providers.length > 0 && <ProviderLinks list={providers} returnTo={peekReturn()} />}
		</>
	);
}
