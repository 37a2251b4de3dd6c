// How one proves who one is: the password, passkeys, and what is asked for besides.
import { useState } from "preact/hooks";
import { del, get, post } from "../api";
import { RecoveryCodes, type Factor, type Factors } from "../factors";
import { Form, NewPasswordField, PasswordField, UserName } from "../forms";
import { AddPasskey } from "../passkeys";
import { Heading, Link } from "../router";
import { keepSession, useSession, type SignedIn } from "../session";
import { Alert, Button, Confirmed, Dialog, Empty, LastUsed, Section, Show, Things, Time, useLoad } from "../ui";
import { hasPasskeys, NO_PASSKEYS } from "../webauthn";

function Password() {
	const session = useSession();
	const { email, has_password } = session.me!;
	const [turn, setTurn] = useState(0);
	if (!has_password)
		return (
			<Section title="Password">
				<Empty>You have none: you sign in with one of your <Link to="/account/identities">linked accounts</Link>.</Empty>
			</Section>
		);
	return (
		<Section title="Password">
			{turn > 0 && <Alert key={turn} kind="success">Your password is changed. All other sessions have ended.</Alert>}
			<Form key={`form ${turn}`} submit="Change password" concerns={{ wrong_password: "current", password_refused: "password" }}
				onSubmit={async (values) => {
					await keepSession(await post<SignedIn>("/me/password",
						{ current_password: values.current, new_password: values.password }), session);
					setTurn(turn + 1);
				}}>
				<UserName email={email} />
				<PasswordField name="current" label="Present password" autocomplete="current-password" />
				<NewPasswordField />
			</Form>
		</Section>
	);
}

/** What is lost with a factor, in words. */
function without(factor: Factor, all: Factor[]): string {
	const what = factor.kind === "totp" ? "Codes of the app no longer work." : `“${factor.name}” no longer signs you in. ` +
		"Remove it from the device as well, where it may still be offered.";
	return all.length > 1 ? what : `${what} Your password alone will be enough to sign in, and your recovery codes end.`;
}

function Row({ factor, all, onRemoved }: { factor: Factor; all: Factor[]; onRemoved(said: string): Promise<void> }) {
	const isApp = factor.kind === "totp";
	const name = isApp ? "Authenticator app" : factor.name;
	return (
		<li>
			<div class="thing">
				<strong>{name}</strong>{isApp && <> <span class="badge success">On</span></>}
				<p>{isApp ? "enrolled" : "added"} <Time at={factor.created_at} /> · <LastUsed at={factor.last_used_at} /></p>
			</div>
			<Confirmed label="Remove" describe={isApp ? "Remove authenticator app" : `Remove passkey: ${name}`} verb="Remove"
				title={isApp ? "Remove the authenticator app?" : "Remove this passkey?"} text={without(factor, all)}
				onConfirm={async () => {
					await del(`/me/${isApp ? "totp" : "passkeys"}/${factor.id}`);
					await onRemoved(isApp ? "The authenticator app is removed." : `The passkey “${name}” is removed.`);
				}} />
		</li>
	);
}

function Codes({ left, onMade }: { left: number; onMade(codes: string[]): void }) {
	return (
		<li>
			<div class="thing">
				<strong>Recovery codes</strong> {left < 4 && <span class="badge warning">{left === 0 ? "None left" : "Few left"}</span>}
				<p>{left} left, for when your second factor is out of reach</p>
			</div>
			<Confirmed label="Renew" describe="Renew recovery codes" title="Make new recovery codes?" verb="Make new codes" kind="primary"
				text="The codes you have now stop working."
				onConfirm={async () => onMade((await post<{ recovery_codes: string[] }>("/me/recovery-codes")).recovery_codes)} />
		</li>
	);
}

function Passkeys({ own, onAdd, onRemoved }: { own: Factors; onAdd(): void; onRemoved(said: string): Promise<void> }) {
	const list = own.factors.filter((f) => f.kind === "passkey");
	return (
		<Section title="Passkeys" action={hasPasskeys() && <Button kind={list.length > 0 ? undefined : "primary"} onClick={onAdd}>Add a passkey</Button>}>
			<p class="muted">Sign in with a fingerprint, your face or a PIN instead of your password. Nobody can be tricked into giving one away.</p>
			{!hasPasskeys() && <p>{NO_PASSKEYS}</p>}
			{list.length > 0 && (
				<Things of={list} what="passkeys" text={(f) => f.name}>
					{(f) => <Row key={f.id} factor={f} all={own.factors} onRemoved={onRemoved} />}
				</Things>
			)}
		</Section>
	);
}

function SecondFactor({ own, onCodes, onRemoved }: { own: Factors; onCodes(codes: string[]): void; onRemoved(said: string): Promise<void> }) {
	const app = own.factors.find((f) => f.kind === "totp");
	return (
		<Section title="Second factor">
			{own.factors.length === 0 && (own.required
				? <Alert kind="warning">Your account must have a passkey or an authenticator app before you can do anything else.</Alert>
				: <Empty>Your password alone is enough to sign in. A passkey or an authenticator app makes a stolen one useless.</Empty>)}
			{own.factors.length > 0 && (
				<ul class="things">
					{app && <Row factor={app} all={own.factors} onRemoved={onRemoved} />}
					<Codes left={own.recovery_codes} onMade={onCodes} />
				</ul>
			)}
			{!app && <p><Link to="/enrol" class="button">Set up an authenticator app</Link></p>}
		</Section>
	);
}

export function Security() {
	const session = useSession();
	const factors = useLoad(() => get<Factors>("/me/factors"));
	const [adding, setAdding] = useState(false);
	const [codes, setCodes] = useState<string[]>();
	const [said, setSaid] = useState("");
	const changed = async (what: string) => {
		setSaid(what);
		await factors.reload();
	};
	const added = async ({ name, recovery_codes }: { name: string; recovery_codes: string[] }) => {
		setAdding(false);
		const isFirst = recovery_codes.length > 0;
		if (isFirst) setCodes(recovery_codes);
		await changed(`The passkey “${name}” is added. Your other sessions have ended.`);
		if (!isFirst) await session.refresh();
	};
	const stored = async () => {
		setCodes(undefined);
		await factors.reload();
		await session.refresh(); // it may permit more now
	};
	return (
		<>
			<Heading>Security</Heading>
			<Password />
			{said && <Alert key={said} kind="success">{said}</Alert>}
			<Show of={factors} what="your second factors">
				{(own) => (
					<>
						<Passkeys own={own} onAdd={() => setAdding(true)} onRemoved={changed} />
						<SecondFactor own={own} onCodes={setCodes} onRemoved={changed} />
					</>
				)}
			</Show>
			{adding && <AddPasskey onAdded={(made) => void added(made)} onClose={() => setAdding(false)} />}
			{codes && <Dialog title="Your recovery codes" read><RecoveryCodes codes={codes} email={session.me!.email} onDone={() => void stored()} /></Dialog>}
		</>
	);
}
