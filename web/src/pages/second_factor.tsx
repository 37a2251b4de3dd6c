// The second step of a sign-in: a passkey, a code from the authenticator app, or a recovery code.
import { useEffect, useState } from "preact/hooks";
import { post, Problem } from "../api";
import { FactorForm, type Proof } from "../factors";
import { Heading, Link, navigate } from "../router";
import { enter, takeWaiting, useSession, type SignedIn } from "../session";
import { askPasskey } from "../webauthn";

export function SecondFactor() {
	const session = useSession();
	const [waiting] = useState(takeWaiting);
	useEffect(() => {
		// After a reload nothing waits any more.
		if (!waiting) navigate("/sign-in", { replace: true });
	}, []);
	if (!waiting) return null;
	const { mfa_token, methods } = waiting;

	/** A sign-in waits for minutes only. */
	const whileItWaits = async <T,>(step: () => Promise<T>): Promise<T> => {
		try {
			return await step();
		} catch (error) {
			if (error instanceof Problem && error.code === "mfa_token_invalid")
				navigate("/sign-in", { replace: true, say: { kind: "info", text: "That took too long. Sign in once more." } });
			throw error;
		}
	};
	const prove = async (proof: Proof) => {
		await enter(await post<SignedIn>("/auth/second-factor", { mfa_token, ...proof }, { open: true }), session);
	};
	return (
		<>
			<Heading>Second factor</Heading>
			<FactorForm ways={methods} submit="Continue" onProof={(proof) => whileItWaits(() => prove(proof))}
				ask={() => whileItWaits(() => askPasskey("/auth/passkey/options", { mfa_token }, { open: true }))} />
			<p class="aside"><Link to="/sign-in">Sign in as somebody else</Link></p>
		</>
	);
}
