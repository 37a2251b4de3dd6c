// A fresh proof of who is sitting here, asked for in the middle of something dangerous. What was begun
// goes on when it succeeds.
import { get, post } from "./api";
import { CodeQuestion, codeAnswer, FACTOR_CONCERNS, type Factors } from "./factors";
import { Form, PasswordField } from "./forms";
import { Button, Dialog, Show, useLoad } from "./ui";

export function StepUp({ onDone }: { onDone(proved: boolean): void }) {
	const factors = useLoad(() => get<Factors>("/me/factors"));
	const cancel = () => onDone(false);
	return (
		<Dialog title="Confirm that it is you" onClose={cancel}>
			<p>You are about to change something important, and it is a while since you signed in.</p>
			<Show of={factors} what="your factors">
				{(own) => (
					<Form submit="Confirm" concerns={FACTOR_CONCERNS} more={<Button onClick={cancel}>Cancel</Button>}
						onSubmit={async (values) => {
							const proof = own.factors.length > 0 ? codeAnswer(values) : { password: values.password };
							// A wrong answer is 401 here, and no end of the session.
							await post("/auth/step-up", proof, { open: true });
							onDone(true);
						}}>
						{own.factors.length > 0 ? <CodeQuestion ways={waysOf(own)} /> : <PasswordField autocomplete="current-password" autoFocus />}
					</Form>
				)}
			</Show>
		</Dialog>
	);
}

function waysOf(own: Factors): string[] {
	const ways: string[] = own.factors.map((f) => f.kind);
	return own.recovery_codes > 0 ? [...ways, "recovery_code"] : ways;
}
