// The second step of a sign-in: a code from the authenticator app, or a recovery code.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api";
import { CodeQuestion, codeAnswer, FACTOR_CONCERNS } from "../factors";
import { Form } from "../forms";
import { Heading, Link, navigate } from "../router";
import { enter, takeWaiting, useSession, type SignedIn } from "../session";

export function SecondFactor() {
	const session = useSession();
	const [waiting] = useState(takeWaiting);
	useEffect(() => {
		// After a reload nothing waits any more.
		if (!waiting) navigate("/sign-in", { replace: true });
	}, []);
	if (!waiting) return null;
	return (
		<>
			<Heading>Second factor</Heading>
			<Form submit="Continue" concerns={FACTOR_CONCERNS} onSubmit={async (values) => {
				const proof = { mfa_token: waiting.mfa_token, ...codeAnswer(values) };
				await enter(await post<SignedIn>("/auth/second-factor", proof, { open: true }), session);
			}}>
				<CodeQuestion ways={waiting.methods} />
			</Form>
			<p><Link to="/sign-in">Sign in as somebody else</Link></p>
		</>
	);
}
