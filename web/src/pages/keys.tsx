// API keys: what programs sign in with, each with its own permissions.
import { useState } from "preact/hooks";
import { del, getAll, post } from "../api";
import { CheckList, Field, FieldError, Form, SelectField } from "../forms";
import { Heading } from "../router";
import { isLimit, useSession } from "../session";
import { Alert, Button, Confirmed, CopyButton, Dialog, Empty, Section, Show, Time, useLoad } from "../ui";

interface ApiKey {
	id: string;
	/** The part of the key that is no secret: where one sees which key it is. */
	public_id: string;
	account_id: string;
	name: string;
	permissions: string[];
	created_at: string;
	expires_at: string | null;
	revoked_at: string | null;
	last_used_at: string | null;
}

const DAY = 86_400_000;

function state(key: ApiKey): [text: string, kind: string] {
	if (key.revoked_at) return ["Revoked", "warning"];
	if (!key.expires_at) return ["Valid", "success"];
	const left = new Date(key.expires_at).getTime() - Date.now();
	if (left < 0) return ["Expired", "warning"];
	return left < 14 * DAY ? ["Expires soon", "warning"] : ["Valid", "success"];
}

function Row({ apiKey: key, onRevoked }: { apiKey: ApiKey; onRevoked(): Promise<void> }) {
	const [text, kind] = state(key);
	return (
		<li>
			<div class="thing">
				<strong>{key.name}</strong> <span class={`badge ${kind}`}>{text}</span>
				<p><code>{key.public_id}</code> · last used <Time at={key.last_used_at} />{key.expires_at && <> · expires <Time at={key.expires_at} /></>}</p>
				<details>
					<summary>{key.permissions.length === 1 ? "1 permission" : `${key.permissions.length} permissions`}</summary>
					<ul class="words">{key.permissions.map((p) => <li key={p}><code>{p}</code></li>)}</ul>
				</details>
			</div>
			{!key.revoked_at && (
				<Confirmed label="Revoke" describe={`Revoke API key: ${key.name}`} title="Revoke this API key?" verb="Revoke"
					text={`What uses “${key.name}” is refused at once, for good.`} onConfirm={async () => {
						await del(`/admin/keys/${key.id}`);
						await onRevoked();
					}} />
			)}
		</li>
	);
}

/** Permissions by what they are about. */
function grouped(permissions: string[]): [string, string[]][] {
	const groups = new Map<string, string[]>();
	for (const p of permissions) {
		const noun = p.slice(0, p.indexOf("."));
		groups.set(noun, [...(groups.get(noun) ?? []), p]);
	}
	return [...groups];
}

function NewKey({ onMade, onClose }: { onMade(key: ApiKey & { key: string }): void; onClose(): void }) {
	const own = useSession().me!.permissions.filter((p) => !isLimit(p));
	return (
		<Dialog title="New API key" onClose={onClose}>
			<Form submit="Make the key" more={<Button onClick={onClose}>Cancel</Button>} onSubmit={async (values) => {
				const permissions = own.filter((p) => values[p] !== undefined);
				if (permissions.length === 0) throw new FieldError("permissions", "Choose what the key may do");
				const expires_at = new Date(Date.now() + Number(values.days) * DAY).toISOString();
				onMade(await post("/admin/keys", { name: values.name!.trim(), permissions, expires_at }));
			}}>
				<Field name="name" label="Name" required maxLength={200} autocomplete="off" hint="What it is for, such as the program that uses it." autoFocus />
				<SelectField name="days" label="Valid for" value="90" options={[["30", "30 days"], ["90", "90 days"], ["364", "A year"]]} />
				<CheckList name="permissions" label="What it may do" groups={grouped(own)} />
			</Form>
		</Dialog>
	);
}

function Made({ made, onClose }: { made: ApiKey & { key: string }; onClose(): void }) {
	return (
		<Dialog title="Your new API key" onClose={onClose}>
			<p>This is the only time it is shown. Keep it where your program finds it, and out of its source.</p>
			<code class="secret">{made.key}</code>
			<div class="actions">
				<CopyButton text={made.key} />
				<Button kind="primary" onClick={onClose}>I have stored it</Button>
			</div>
		</Dialog>
	);
}

export function Keys() {
	const me = useSession().me!;
	const keys = useLoad(async () => (await getAll<ApiKey>("/admin/keys")).filter((k) => k.account_id === me.account_id));
	const [making, setMaking] = useState(false);
	const [made, setMade] = useState<ApiKey & { key: string }>();
	const [said, setSaid] = useState("");
	return (
		<>
			<Heading>API keys</Heading>
			<p class="muted">For programs that act for you, such as a build that publishes. A key can never do more than you can.</p>
			{said && <Alert kind="success">{said}</Alert>}
			<Section title="Your keys" action={<Button kind="primary" onClick={() => setMaking(true)}>New key</Button>}>
				<Show of={keys} what="API keys">
					{(list) => list.length === 0 ? <Empty>You have no API keys.</Empty> : (
						<ul class="things">
							{list.map((key) => (
								<Row key={key.id} apiKey={key} onRevoked={async () => {
									await keys.reload();
									setSaid(`“${key.name}” is revoked.`);
								}} />
							))}
						</ul>
					)}
				</Show>
			</Section>
			{making && <NewKey onClose={() => setMaking(false)} onMade={(key) => { setMaking(false); setMade(key); void keys.reload(); }} />}
			{made && <Made made={made} onClose={() => setMade(undefined)} />}
		</>
	);
}
