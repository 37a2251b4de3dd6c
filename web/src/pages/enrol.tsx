// Enrolling an authenticator app: scan, confirm, take the recovery codes along.
import { useState } from "preact/hooks";
import { post } from "../api";
import { codesOf, FACTOR_CONCERNS, RecoveryCodes } from "../factors";
import { CodeField, compact, Form } from "../forms";
import { AddPasskey } from "../passkeys";
import { Heading, Link, navigate } from "../router";
import { takeReturn, useSession } from "../session";
import { Button, CopyButton, Show, useLoad } from "../ui";
import { hasPasskeys } from "../webauthn";

interface Enrolment {
	id: string;
	secret: string;
	uri: string;
	qr_svg: string;
}

/** In groups of four, for those who type it. */
function grouped(secret: string): string {
	return secret.replace(/(.{4})(?=.)/g, "$1 ");
}

function Scan({ enrolment, onConfirmed }: { enrolment: Enrolment; onConfirmed(codes: string[]): void }) {
	return (
		<>
			<ol class="steps">
				<li>
					<p>Scan this with an authenticator app on your phone, such as Aegis, FreeOTP or Google Authenticator.</p>
					<img class="qr" alt="QR code with the secret below, for an authenticator app" width="200" height="200"
						src={"data:image/svg+xml," + encodeURIComponent(enrolment.qr_svg)} />
					<details>
						<summary>No camera? Type the secret</summary>
						<p><code class="secret">{grouped(enrolment.secret)}</code></p>
						<CopyButton text={enrolment.secret} label="Copy secret" />
						<p class="small"><a href={enrolment.uri}>Open in an app on this device</a></p>
					</details>
				</li>
				<li>
					<Form submit="Confirm" concerns={{ ...FACTOR_CONCERNS, invalid_factor: "otp" }} onSubmit={async (values) => {
						const otp = compact(values.otp);
						onConfirmed(await codesOf(post("/me/totp/confirm", { otp })));
					}}>
						<CodeField label="Code" hint="The six digits it shows now." autoFocus={false} />
					</Form>
				</li>
			</ol>
		</>
	);
}

export function Enrol() {
	const session = useSession();
	const enrolment = useLoad(() => post<Enrolment>("/me/totp"));
	const [codes, setCodes] = useState<string[]>();
	const [instead, setInstead] = useState(false);
	const keep = (made: string[]) => (made.length > 0 ? setCodes(made) : void done());
	const done = async () => {
		await session.refresh(); // it may permit more now
		navigate(takeReturn("/account/security"), { replace: true });
	};
	if (codes)
		return (
			<>
				<Heading>Recovery codes</Heading>
				<RecoveryCodes codes={codes} email={session.me!.email} onDone={() => void done()} />
			</>
		);
	return (
		<>
			<Heading>Authenticator app</Heading>
			<p>From now on you sign in with your password and a code from an app, so that a stolen password is not enough.</p>
			<Show of={enrolment} what="your secret">
				{(data) => <Scan enrolment={data} onConfirmed={keep} />}
			</Show>
			<ul class="ways">
				{hasPasskeys() && <li><Button kind="link" onClick={() => setInstead(true)}>Use a passkey instead</Button></li>}
				<li><Link to="/account/security">Not now</Link></li>
			</ul>
			{instead && <AddPasskey onAdded={(made) => keep(made.recovery_codes)} onClose={() => setInstead(false)} />}
		</>
	);
}
