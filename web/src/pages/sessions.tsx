// Where one is signed in, and ending it there.
import { useState } from "preact/hooks";
import { describeAgent } from "../agent";
import { del, getAll } from "../api";
import { Heading } from "../router";
import { Alert, Confirmed, Section, Show, Things, Time, useLoad } from "../ui";

interface SessionRow {
	id: string;
	current: boolean;
	transport: "token" | "cookie";
	client_id: string;
	methods: string[];
	user_agent: string | null;
	ip_prefix: string | null;
	device_id: string | null;
	created_at: string;
	last_used_at: string;
	expires_at: string;
}

const METHODS: Record<string, string> = {
	pwd: "password", otp: "one-time code", rc: "recovery code", hwk: "passkey", passkey: "passkey",
	fed: "identity provider", licence: "licence key",
};

function nameOf(row: SessionRow): string {
	return row.device_id ? `Device ${row.device_id}` : describeAgent(row.user_agent);
}

function Row({ row, onEnd }: { row: SessionRow; onEnd(): Promise<void> }) {
	const name = nameOf(row);
	const proved = row.methods.map((m) => METHODS[m] ?? m).join(" and ");
	return (
		<li>
			<div class="thing">
				<strong>{name}</strong> {row.current && <span class="badge success">This session</span>}
				<p>
					{row.ip_prefix ? `${row.ip_prefix} · ` : ""}last used <Time at={row.last_used_at} /> · signed in <Time at={row.created_at} />
					{proved && ` with ${proved}`}
				</p>
			</div>
			{!row.current && (
				<Confirmed label="End" describe={`End session: ${name}`} title="End this session?" verb="End session"
					text={`${name} is signed out at once.`} onConfirm={onEnd} />
			)}
		</li>
	);
}

export function Sessions() {
	const sessions = useLoad(() => getAll<SessionRow>("/me/sessions?limit=200"));
	const [said, setSaid] = useState("");
	const end = async (path: string, done: string) => {
		await del(path);
		await sessions.reload();
		setSaid(done);
	};
	const count = sessions.data?.length ?? 0;
	return (
		<>
			<Heading>Sessions</Heading>
			<p class="muted">Where you are signed in. End what you do not recognise, then change your password.</p>
			{said && <Alert kind="success">{said}</Alert>}
			<Section title={count > 1 ? `${count} sessions` : "Sessions"} action={count > 1 && (
				<Confirmed label="End all others" title="End all other sessions?" verb="End all others"
					text={`${count - 1} other session${count === 2 ? " is" : "s are"} signed out at once. You stay signed in here.`}
					onConfirm={() => end("/me/sessions", "All other sessions have ended.")} />
			)}>
				<Show of={sessions} what="sessions">
					{(rows) => (
						<Things of={[...rows].sort((a, b) => Number(b.current) - Number(a.current))} what="sessions"
							text={(row) => `${nameOf(row)} ${row.ip_prefix ?? ""}`}>
							{(row) => <Row key={row.id} row={row} onEnd={() => end(`/me/sessions/${row.id}`, "The session has ended.")} />}
						</Things>
					)}
				</Show>
			</Section>
		</>
	);
}
