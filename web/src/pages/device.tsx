// Signing a device or a program in from here (RFC 8628): its code is typed or comes with the link, the
// person sees who asks for what, and decides. Hard rule: nothing is approved by opening a link.
import { useState } from "preact/hooks";
import { get, post } from "../api";
import { Field, Form } from "../forms";
import { Heading, Link, query } from "../router";
import { Alert, Button, Time } from "../ui";

interface Request {
	user_code: string;
	client_id: string;
	/** The program, for people. */
	client: string;
	/** What it asks for; empty: all that the person may. */
	scope: string[];
	network: string | null;
	country: string | null;
	created_at: string;
	expires_at: string;
}

/** As it stands on the device: two groups, capitals. */
function shown(code: string): string {
	const plain = code.toUpperCase().replace(/[^A-Z0-9]/g, "");
	return plain.length === 8 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : plain;
}

function Ask({ code, onFound }: { code: string; onFound(request: Request): void }) {
	return (
		<>
			<Heading>Sign in a device</Heading>
			<p>A program or device shows a code. Type it here to sign it in as you.</p>
			<Form submit="Continue" concerns={{ user_code_unknown: "code" }} onSubmit={async (values) => {
				const user_code = shown(values.code!);
				const request = await get<Request>(`/oauth/device?user_code=${encodeURIComponent(user_code)}`);
				onFound({ ...request, user_code });
			}}>
				<Field name="code" label="Code" required defaultValue={shown(code)} class="code-input" autocomplete="off" autocapitalize="characters"
					spellcheck={false} maxLength={20} autoFocus />
			</Form>
		</>
	);
}

function Decide({ request, onDecided }: { request: Request; onDecided(approved: boolean): void }) {
	const decide = async (approve: boolean) => {
		await post("/oauth/device", { user_code: request.user_code, approve });
		onDecided(approve);
	};
	return (
		<>
			<Heading>Is this you?</Heading>
			<Alert kind="warning">Approve only what you have just started yourself. Whoever sent you this code would be signed in as you.</Alert>
			<dl class="facts">
				<div><dt>Code</dt><dd><code>{request.user_code}</code></dd></div>
				<div><dt>Program</dt><dd>{request.client}</dd></div>
				<div><dt>Network</dt><dd>{[request.network, request.country].filter(Boolean).join(", ") || "unknown"}</dd></div>
				<div><dt>Asked</dt><dd><Time at={request.created_at} /></dd></div>
			</dl>
			<h2>It will be able to</h2>
			{request.scope.length === 0 ? <p>do everything you can</p> :
				<ul class="words">{request.scope.map((p) => <li key={p}><code>{p}</code></li>)}</ul>}
			<Form submit="Approve" onSubmit={() => decide(true)} more={<DenyButton onDeny={() => decide(false)} />} />
		</>
	);
}

function DenyButton({ onDeny }: { onDeny(): Promise<void> }) {
	const [failed, setFailed] = useState(false);
	return (
		<>
			<Button onClick={() => void onDeny().catch(() => setFailed(true))}>Deny</Button>
			{failed && <span role="alert" class="field-error">That did not work. Try again.</span>}
		</>
	);
}

export function Device() {
	const [request, setRequest] = useState<Request>();
	const [approved, setApproved] = useState<boolean>();
	if (approved !== undefined)
		return (
			<>
				<Heading>{approved ? "Signed in" : "Denied"}</Heading>
				<p>{approved ? "The device goes on by itself in a moment. You can close this page." : "The device was not signed in."}</p>
				<p><Link to="/account/sessions">Your sessions</Link></p>
			</>
		);
	return request ? <Decide request={request} onDecided={setApproved} /> : <Ask code={query("user_code")} onFound={setRequest} />;
}
