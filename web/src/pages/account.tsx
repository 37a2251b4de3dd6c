// One's own account: who one is.
import { Heading } from "../router";
import { useSession } from "../session";
import { Section } from "../ui";

export function Account() {
	const { me } = useSession();
	return (
		<>
			<Heading>Profile</Heading>
			<Section title="Account">
				<dl class="facts">
					<div><dt>E-mail address</dt><dd>{me!.email}</dd></div>
					<div><dt>Role</dt><dd>{me!.role}</dd></div>
					<div><dt>Account id</dt><dd><code>{me!.id}</code></dd></div>
				</dl>
			</Section>
		</>
	);
}
