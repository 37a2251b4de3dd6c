// One's own account: who one is to this server, one's address, and the end of it.
import { useState } from "preact/hooks";
import { del, explain, post, Problem } from "../api";
import { CheckField, Field, FieldError, Form } from "../forms";
import { Heading } from "../router";
import { isLimit, keepingTheme, leave, useSession, type Me } from "../session";
import { Alert, Button, Dialog, Section } from "../ui";

function describeLimit(word: string): string {
	const [kind, name] = word.split(":", 2);
	return kind === "organisation" ? "your own organisation" : `${kind} ${name}`;
}

/* The address ---------------------------------------------------------------------------------- */

function ChangeAddress({ me, onSent, onClose }: { me: Me; onSent(to: string): void; onClose(): void }) {
	return (
		<Dialog title="Change your e-mail address" onClose={onClose}>
			<p>We mail a link to the new address. It counts as soon as you open the link; until then <strong class="breakable">{me.email}</strong> stays.</p>
			<Form submit="Send the link" concerns={{ invalid_member: "email" }} more={<Button onClick={onClose}>Cancel</Button>}
				onSubmit={async (values) => {
					const email = values.email!.trim();
					if (email === me.email) throw new FieldError("email", "This is your address already");
					await post("/me/email", { email });
					onSent(email);
				}}>
				<Field name="email" label="New e-mail address" type="email" autocomplete="email" required maxLength={254} spellcheck={false}
					autocapitalize="off" autoFocus />
			</Form>
		</Dialog>
	);
}

function Address({ me }: { me: Me }) {
	const [changing, setChanging] = useState(false);
	const [sentTo, setSentTo] = useState("");
	const [failure, setFailure] = useState("");
	const sent = (to: string) => {
		setChanging(false);
		setFailure("");
		setSentTo(to);
	};
	const confirm = () => post("/me/email", { email: me.email }).then(() => sent(me.email), (error) => setFailure(explain(error)));
	return (
		<Section title="Account" action={<Button onClick={() => setChanging(true)}>Change address</Button>}>
			{failure && <Alert kind="error">{failure}</Alert>}
			{sentTo && <Alert key={sentTo} kind="success">A link is on its way to {sentTo}. It works once, for a day.</Alert>}
			<dl class="facts">
				<div>
					<dt>E-mail address</dt>
					<dd>{me.email} {me.verified_at ? <span class="badge success">Confirmed</span> : <span class="badge warning">Not confirmed</span>}</dd>
				</div>
				<div><dt>Role</dt><dd>{me.role}</dd></div>
				{me.organisation && <div><dt>Organisation</dt><dd><code>{me.organisation}</code></dd></div>}
				{me.entitlements.length > 0 && <div><dt>Licensed for</dt><dd>{me.entitlements.join(", ")}</dd></div>}
				<div><dt>Account id</dt><dd><code>{me.account_id}</code></dd></div>
			</dl>
			{!me.verified_at && (
				<p class="muted">We do not know yet whether mail to this address reaches you.{" "}
					<Button kind="link" onClick={() => void confirm()}>Send a link to confirm it</Button></p>
			)}
			{changing && <ChangeAddress me={me} onSent={sent} onClose={() => setChanging(false)} />}
		</Section>
	);
}

/* The end -------------------------------------------------------------------------------------- */

function DeleteAccount({ me, onClose }: { me: Me; onClose(): void }) {
	const session = useSession();
	const [withLicences, setWithLicences] = useState(false);
	const [last, setLast] = useState(false);
	if (last)
		return (
			<Dialog title="You are the last administrator" onClose={onClose}>
				<p>Without you nobody could administer this server. Make somebody else an administrator first, then delete your account.</p>
				<div class="actions"><Button kind="primary" autoFocus onClick={onClose}>Close</Button></div>
			</Dialog>
		);
	return (
		<Dialog title="Delete your account?" onClose={onClose} read>
			<p>This cannot be undone. At once and for good:</p>
			<ul class="list">
				<li>you are signed out everywhere, and cannot sign in again;</li>
				<li>your API keys and devices stop working;</li>
				<li>your password, passkeys, linked accounts and sessions are deleted;</li>
				<li>licences that have ended are deleted.</li>
			</ul>
			<p class="muted">The audit log and the list of downloads keep the account’s id, and nothing else of it.</p>
			<Form submit="Delete my account" kind="danger" more={<Button onClick={onClose}>Cancel</Button>} onSubmit={async (values) => {
					if (values.email!.trim().toLowerCase() !== me.email.toLowerCase()) throw new FieldError("email", "This is not your address");
					try {
						await keepingTheme(() => del(`/me${values.licences ? "?licences=delete" : ""}`));
					} catch (error) {
						if (error instanceof Problem && error.code === "last_admin") return setLast(true);
						if (!(error instanceof Problem && error.code === "licences_running")) throw error;
						setWithLicences(true);
						throw new FieldError("licences", "You have licences that have not ended. Let them end first, or delete them with your account.");
					}
					await leave(session, { kind: "success", text: "Your account is deleted." });
				}}>
				<Field name="email" label="Type your e-mail address to confirm" type="email" required autocomplete="off" spellcheck={false}
					autocapitalize="off" />
				{withLicences && <CheckField name="licences" label="Delete my licences too: what uses them is refused at once" autoFocus />}
			</Form>
		</Dialog>
	);
}

function End({ me }: { me: Me }) {
	const [asking, setAsking] = useState(false);
	return (
		<Section title="Delete your account">
			<p class="muted">Your account and all that is only yours, for good.</p>
			<Button kind="warn" onClick={() => setAsking(true)}>Delete my account</Button>
			{asking && <DeleteAccount me={me} onClose={() => setAsking(false)} />}
		</Section>
	);
}

export function Account() {
	const me = useSession().me!;
	const limits = me.permissions.filter(isLimit);
	return (
		<>
			<Heading>Profile</Heading>
			<Address me={me} />
			<Section title="What you may do">
				{limits.length > 0 && <p>Only for {limits.map(describeLimit).join(", ")}:</p>}
				<ul class="words">{me.permissions.filter((p) => !isLimit(p)).map((p) => <li key={p}><code>{p}</code></li>)}</ul>
			</Section>
			<End me={me} />
		</>
	);
}
