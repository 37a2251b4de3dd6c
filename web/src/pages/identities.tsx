// Accounts elsewhere that one can sign in with here.
import { useState } from "preact/hooks";
import { del, getAll, post } from "../api";
import { Form } from "../forms";
import { ProviderFailure, type Provider } from "../providers";
import { Heading } from "../router";
import { Alert, Confirmed, Empty, LastUsed, Section, Show, Time, useLoad } from "../ui";

interface Identity {
	id: string;
	provider: string;
	provider_title: string;
	subject: string;
	email: string | null;
	created_at: string;
	last_used_at: string | null;
}

/** The server asks for a fresh proof first; then the browser goes to the provider. */
function LinkForm({ provider: { name, title } }: { provider: Provider }) {
	return (
		<Form submit={`Link ${title}`} onSubmit={async () => {
			const { authorization_url } = await post<{ authorization_url: string }>(`/me/identities/${encodeURIComponent(name)}/start`,
				{ return_to: "/account/identities" });
			location.assign(authorization_url);
		}} />
	);
}

export function Identities() {
	const own = useLoad(async () => {
		const [identities, providers] = await Promise.all([getAll<Identity>("/me/identities"), getAll<Provider>("/auth/providers")]);
		return { identities, free: providers.filter((p) => !identities.some((i) => i.provider === p.name)) };
	});
	const [said, setSaid] = useState("");
	return (
		<>
			<Heading>Linked accounts</Heading>
			<p class="muted">Sign in here with an account you have elsewhere.</p>
			<ProviderFailure />
			{said && <Alert kind="success">{said}</Alert>}
			<Section title="Your accounts elsewhere">
				<Show of={own} what="linked accounts">
					{({ identities, free }) => (
						<>
							{identities.length === 0 && <Empty>{free.length > 0 ? "None is linked." : "There is no provider to link one from."}</Empty>}
							{identities.length > 0 && (
								<ul class="things">
									{identities.map((i) => (
										<li key={i.id}>
											<div class="thing">
												<strong>{i.provider_title}</strong>
												<p>{i.email ?? i.subject} · linked <Time at={i.created_at} /> · <LastUsed at={i.last_used_at} /></p>
											</div>
											<Confirmed label="Unlink" describe={`Unlink ${i.provider_title}`} title="Unlink this account?" verb="Unlink"
												text={`You can no longer sign in with ${i.provider_title}.`} onConfirm={async () => {
													await del(`/me/identities/${i.id}`);
													await own.reload();
													setSaid(`${i.provider_title} is unlinked.`);
												}} />
										</li>
									))}
								</ul>
							)}
							{free.map((p) => <LinkForm key={p.name} provider={p} />)}
						</>
					)}
				</Show>
			</Section>
		</>
	);
}
