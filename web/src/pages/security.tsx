// How one proves who one is: the password, and what is asked for besides it.
import { useState } from "preact/hooks";
import { del, get, post } from "../api";
import { RecoveryCodes, type Factor, type Factors } from "../factors";
import { Form, NewPasswordField, PasswordField } from "../forms";
import { Heading, Link } from "../router";
import { keepSession, useSession, type SignedIn } from "../session";
import { Alert, Confirmed, Dialog, Empty, Section, Show, Time, useLoad, type Loaded } from "../ui";

function Password() {
	const session = useSession();
	const [turn, setTurn] = useState(0);
	return (
		<Section title="Password">
			{turn > 0 && <Alert key={turn} kind="success">Your password is changed. All other sessions have ended.</Alert>}
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

function App({ app, onRemoved }: { app: Factor; onRemoved(): Promise<void> }) {
	return (
		<li>
			<div class="thing">
				<strong>Authenticator app</strong> <span class="badge success">On</span>
				<p>enrolled <Time at={app.created_at} /> · last used <Time at={app.last_used_at} /></p>
			</div>
			<Confirmed label="Remove" describe="Remove authenticator app" title="Remove the authenticator app?" verb="Remove"
				text="Your password alone will be enough to sign in, and your recovery codes end."
				onConfirm={async () => {
					await del(`/me/totp/${app.id}`);
					await onRemoved();
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

function SecondFactors({ factors }: { factors: Loaded<Factors> }) {
	const { me } = useSession();
	const [codes, setCodes] = useState<string[]>();
	const store = () => {
		setCodes(undefined);
		void factors.reload();
	};
	return (
		<Section title="Second factor">
			<Show of={factors} what="your second factors">
				{(own) => {
					const app = own.factors.find((f) => f.kind === "totp");
					return (
						<>
							{own.required && own.factors.length === 0 &&
								<Alert kind="warning">Your account must have a second factor before you can do anything else.</Alert>}
							{own.factors.length === 0 && <Empty>Your password alone is enough to sign in. An authenticator app makes a stolen one useless.</Empty>}
							<ul class="things">
								{app && <App app={app} onRemoved={factors.reload} />}
								{own.factors.length > 0 && <Codes left={own.recovery_codes} onMade={setCodes} />}
							</ul>
							{!app && <p><Link to="/enrol" class="button primary">Set up an authenticator app</Link></p>}
						</>
					);
				}}
			</Show>
			{codes && <Dialog title="New recovery codes" onClose={store}><RecoveryCodes codes={codes} email={me!.email} onDone={store} /></Dialog>}
		</Section>
	);
}

export function Security() {
	const factors = useLoad(() => get<Factors>("/me/factors"));
	return (
		<>
			<Heading>Security</Heading>
			<Password />
			<SecondFactors factors={factors} />
		</>
	);
}
