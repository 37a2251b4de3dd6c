// One's own account: who one is to this server.
import { ProviderFailure } from "../providers";
import { Heading } from "../router";
import { isLimit, useSession } from "../session";
import { Section } from "../ui";

function describeLimit(word: string): string {
	const [kind, name] = word.split(":", 2);
	return kind === "organisation" ? "your own organisation" : `${kind} ${name}`;
}

export function Account() {
	const me = useSession().me!;
	const limits = me.permissions.filter(isLimit);
	return (
		<>
			<Heading>Profile</Heading>
			<ProviderFailure />
			<Section title="Account">
				<dl class="facts">
					<div><dt>E-mail address</dt><dd>{me.email}</dd></div>
					<div><dt>Role</dt><dd>{me.role}</dd></div>
					{me.organisation && <div><dt>Organisation</dt><dd><code>{me.organisation}</code></dd></div>}
					{me.entitlements.length > 0 && <div><dt>Licensed for</dt><dd>{me.entitlements.join(", ")}</dd></div>}
					<div><dt>Account id</dt><dd><code>{me.account_id}</code></dd></div>
				</dl>
			</Section>
			<Section title="What you may do">
				{limits.length > 0 && <p>Only for {limits.map(describeLimit).join(", ")}:</p>}
				<ul class="words">{me.permissions.filter((p) => !isLimit(p)).map((p) => <li key={p}><code>{p}</code></li>)}</ul>
			</Section>
		</>
	);
}
