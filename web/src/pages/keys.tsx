// API keys: what programs sign in with, each with its own permissions.
import { useState } from "preact/hooks";
import { del, getAll, post } from "../api";
import { CheckList, Field, FieldError, Form, SelectField } from "../forms";
import { Heading } from "../router";
import { isLimit, useSession } from "../session";
import { Alert, Button, Confirmed, CopyButton, Dialog, Empty, LastUsed, Section, Show, Things, Time, useLoad } from "../ui";

interface ApiKey {
	id: string;
	/** The part of the key that is no secret: where one sees which key it is. */
	public_id: string;
	account_id: string;
	name: string;
	permissions: string[];
	/** Products it is for; empty: all its owner reaches. */
	products: string[];
	/** Networks it may be used from; empty: from anywhere. */
	addresses: string[];
	created_at: string;
	expires_at: string | null;
	revoked_at: string | null;
	last_used_at: string | null;
	/** Until then the secret before the latest works too. */
	previous_until: string | null;
}

/** With the key itself, which is shown once. */
type NewApiKey = ApiKey & { key: string };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** What looks like an address or a network; the server judges. */
const NETWORK = /^[0-9a-f]*[.:][0-9a-f.:]*(\/\d{1,3})?$/i;

function state(key: ApiKey): [text: string, kind: string] {
	if (key.revoked_at) return ["Revoked", "warning"];
	if (!key.expires_at) return ["Valid", "success"];
	const left = new Date(key.expires_at).getTime() - Date.now();
	if (left < 0) return ["Expired", "warning"];
	return left < 14 * DAY ? ["Expires soon", "warning"] : ["Valid", "success"];
}

function Row({ apiKey: key, onRevoked, onRotate }: { apiKey: ApiKey; onRevoked(): Promise<void>; onRotate(): void }) {
	const [text, kind] = state(key);
	const ended = text === "Revoked" || text === "Expired";
	return (
		<li>
			<div class="thing">
				<strong>{key.name}</strong> <span class={`badge ${kind}`}>{text}</span>
				<p><code>{key.public_id}</code> · <LastUsed at={key.last_used_at} />{key.expires_at && <> · expires <Time at={key.expires_at} /></>}</p>
				{key.previous_until && !key.revoked_at && <p>The former secret ends <Time at={key.previous_until} /></p>}
				<details>
					<summary>{key.permissions.length === 1 ? "1 permission" : `${key.permissions.length} permissions`}</summary>
					<ul class="words">{key.permissions.map((p) => <li key={p}><code>{p}</code></li>)}</ul>
					{key.products.length > 0 && <p>Only for {key.products.join(", ")}</p>}
					{key.addresses.length > 0 && <p>Only from {key.addresses.join(", ")}</p>}
				</details>
			</div>
			{!key.revoked_at && <div class="thing-actions">
				{!ended && <Button kind="quiet" aria-label={`Rotate API key: ${key.name}`} onClick={onRotate}>Rotate</Button>}
				<Confirmed label="Revoke" describe={`Revoke API key: ${key.name}`} title="Revoke this API key?" verb="Revoke"
					text={`What uses “${key.name}” is refused at once, for good.`} onConfirm={async () => {
						await del(`/me/keys/${key.id}`);
						await onRevoked();
					}} />
			</div>}
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

function NewKey({ onMade, onClose }: { onMade(key: NewApiKey): void; onClose(): void }) {
	const own = useSession().me!.permissions.filter((p) => !isLimit(p));
	return (
		<Dialog title="New API key" onClose={onClose}>
			<Form submit="Make the key" more={<Button onClick={onClose}>Cancel</Button>} onSubmit={async (values) => {
				const permissions = own.filter((p) => values[p] !== undefined);
				if (permissions.length === 0) throw new FieldError("permissions", "Choose what the key may do");
				const expires_at = new Date(Date.now() + Number(values.days) * DAY).toISOString();
				const addresses = values.addresses!.split(/[\s,;]+/).filter(Boolean);
				const wrong = addresses.find((a) => !NETWORK.test(a));
				if (wrong) throw new FieldError("addresses", `“${wrong}” is not a network such as 203.0.113.0/24`);
				onMade(await post("/me/keys", { name: values.name!.trim(), permissions, addresses, expires_at }));
			}}>
				<Field name="name" label="Name" required maxLength={200} autocomplete="off" hint="What it is for, such as the program that uses it." autoFocus />
				<SelectField name="days" label="Valid for" value="90" options={[["30", "30 days"], ["90", "90 days"], ["364", "A year"]]} />
				<Field name="addresses" label="Only from these networks" autocomplete="off" spellcheck={false}
					hint="Such as 203.0.113.0/24, separated by commas. Empty: from anywhere." />
				<CheckList name="permissions" label="What it may do" groups={grouped(own)} />
			</Form>
		</Dialog>
	);
}

/** Another secret for the same key; the present one goes on for a while, so that nothing stops. */
function Rotate({ apiKey, onMade, onClose }: { apiKey: ApiKey; onMade(key: NewApiKey): void; onClose(): void }) {
	return (
		<Dialog title="Rotate this API key?" onClose={onClose}>
			<p>“{apiKey.name}” gets a new secret.</p>
			<Form submit="Rotate" more={<Button onClick={onClose}>Cancel</Button>} onSubmit={async ({ hours }) => {
				const until = Number(hours) > 0 ? { previous_until: new Date(Date.now() + Number(hours) * HOUR).toISOString() } : {};
				onMade(await post(`/me/keys/${apiKey.id}/rotate`, until));
			}}>
				<SelectField name="hours" label="The present secret works for" value="24" options={[["0", "no longer"], ["1", "an hour"], ["24", "a day"], ["167", "a week"]]} />
			</Form>
		</Dialog>
	);
}

function Made({ made, onClose }: { made: NewApiKey; onClose(): void }) {
	return (
		<Dialog title="Your new API key" read>
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
	const keys = useLoad(() => getAll<ApiKey>("/me/keys?limit=200"));
	const [making, setMaking] = useState(false);
	const [rotating, setRotating] = useState<ApiKey>();
	const [made, setMade] = useState<NewApiKey>();
	const [said, setSaid] = useState("");
	const keep = (key: NewApiKey) => {
		setMaking(false);
		setRotating(undefined);
		setMade(key);
		void keys.reload();
	};
	return (
		<>
			<Heading>API keys</Heading>
			<p class="muted">For programs that act for you, such as a build that publishes. A key can never do more than you can.</p>
			{said && <Alert kind="success">{said}</Alert>}
			<Section title="Your keys" action={<Button kind="primary" onClick={() => setMaking(true)}>New key</Button>}>
				<Show of={keys} what="API keys">
					{(list) => list.length === 0 ? <Empty>You have no API keys.</Empty> : (
						<Things of={list} what="API keys" text={(key) => `${key.name} ${key.public_id} ${state(key)[0]}`}>
							{(key) => (
								<Row key={key.id} apiKey={key} onRotate={() => setRotating(key)} onRevoked={async () => {
									await keys.reload();
									setSaid(`“${key.name}” is revoked.`);
								}} />
							)}
						</Things>
					)}
				</Show>
			</Section>
			{making && <NewKey onClose={() => setMaking(false)} onMade={keep} />}
			{rotating && <Rotate apiKey={rotating} onClose={() => setRotating(undefined)} onMade={keep} />}
			{made && <Made made={made} onClose={() => setMade(undefined)} />}
		</>
	);
}
