// A fresh proof of who is sitting here, asked for in the middle of something dangerous. What was begun
// goes on when it succeeds.
import { get, getAll, post } from "./api";
import { FactorForm, type Factors, type Proof } from "./factors";
import { Form, PasswordField, UserName } from "./forms";
import { ProviderLinks } from "./providers";
import { useSession } from "./session";
import { Button, Dialog, Show, useLoad } from "./ui";
import { askPasskey } from "./webauthn";

export function StepUp({ onDone }: { onDone(proved: boolean): void }) {
	const { me } = useSession();
	const factors = useLoad(() => get<Factors>("/me/factors"));
	const cancel = () => onDone(false);
	const more = <Button onClick={cancel}>Cancel</Button>;
	const prove = async (proof: Proof | { password: string | undefined }) => {
		await post("/auth/step-up", proof);
		onDone(true);
	};
	return (
		<Dialog title="Confirm that it is you" onClose={cancel}>
			<p>You are about to change something important, and it is a while since you signed in.</p>
			<Show of={factors} what="your factors">
				{(own) => {
					if (own.factors.length > 0)
						return <FactorForm ways={waysOf(own)} submit="Confirm" ask={() => askPasskey("/auth/step-up/options")} onProof={prove} more={more} />;
					if (!me?.has_password) return <Elsewhere onCancel={cancel} />;
					return (
						<Form submit="Confirm" concerns={{ wrong_password: "password" }} more={more}
							onSubmit={({ password }) => prove({ password })}>
							<UserName email={me.email} />
							<PasswordField autocomplete="current-password" autoFocus />
						</Form>
					);
				}}
			</Show>
		</Dialog>
	);
}

/** Who has neither a password nor a factor proves it where they sign in. */
function Elsewhere({ onCancel }: { onCancel(): void }) {
	const own = useLoad(() => getAll<{ provider: string; provider_title: string }>("/me/identities"));
	return (
		<>
			<p>Sign in once more where you have your account, then do it again.</p>
			<Show of={own} what="your accounts elsewhere">
				{(list) => (
					<div class="choices">
						<ProviderLinks list={list.map((i) => ({ name: i.provider, title: i.provider_title }))} returnTo={location.pathname} />
						<Button onClick={onCancel}>Cancel</Button>
					</div>
				)}
			</Show>
		</>
	);
}

function waysOf(own: Factors): string[] {
	const ways: string[] = own.factors.map((f) => f.kind);
	return own.recovery_codes > 0 ? [...ways, "recovery_code"] : ways;
}
