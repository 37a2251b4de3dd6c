// Passkeys on the pages: the button to sign in with one, and the form that makes one.
import { useEffect, useRef, useState } from "preact/hooks";
import { describeAgent } from "./agent";
import { explain, post, Problem } from "./api";
import { codesOf } from "./factors";
import { Field, Form } from "./forms";
import { Alert, Button, Dialog } from "./ui";
import { askPasskey, hasPasskeys, makePasskey, offerPasskeys, type PasskeyAnswer } from "./webauthn";

/** Refusals whose reason the person cannot see. */
const refused: Record<string, string> = {
	invalid_passkey: "This passkey is not accepted here: it may have been removed. Use another one, or your password.",
	challenge_invalid: "That took too long. Try again.",
};

/** Signs in with a passkey and nothing else: by a button, or picked where the browser fills in names. */
export function PasskeySignIn({ onAnswer }: { onAnswer(answer: PasskeyAnswer): Promise<void> }) {
	const [failure, setFailure] = useState("");
	const [busy, setBusy] = useState(false);
	const offer = useRef<AbortController | undefined>(undefined);

	const use = async (answer: Promise<PasskeyAnswer | undefined>) => {
		try {
			const given = await answer;
			if (given) await onAnswer(given);
		} catch (error) {
			setFailure((error instanceof Problem && refused[error.code]) || explain(error));
		}
	};
	const beginOffer = () => {
		const begun = new AbortController();
		offer.current = begun;
		// Whatever ends the offer, the button stays.
		void use(offerPasskeys(begun.signal).catch(() => undefined));
	};
	useEffect(() => {
		beginOffer();
		return () => {
			offer.current?.abort();
			offer.current = undefined;
		};
	}, []);
	const ask = async () => {
		if (busy) return;
		setBusy(true);
		setFailure("");
		offer.current?.abort(); // a browser answers one request at a time
		await use(askPasskey("/auth/passkey/options", {}, { open: true }));
		setBusy(false);
		if (offer.current) beginOffer();
	};
	if (!hasPasskeys()) return null;
	return (
		<>
			{failure && <Alert kind="error">{failure}</Alert>}
			<Button wide busy={busy} onClick={() => void ask()}>Sign in with a passkey</Button>
		</>
	);
}

interface NewPasskey {
	name: string;
	/** With the first factor. */
	recovery_codes: string[];
}

/** Makes a passkey under a name by which its owner knows it again. */
export function AddPasskey({ onAdded, onClose }: { onAdded(made: NewPasskey): void; onClose(): void }) {
	return (
		<Dialog title="Add a passkey" onClose={onClose}>
			<p>Your browser makes it and asks where to keep it: on this device, on your phone or on a security key.</p>
			<Form submit="Continue" more={<Button onClick={onClose}>Cancel</Button>} onSubmit={async ({ name }) => {
				const made = await makePasskey();
				const given = name!.trim();
				onAdded({ name: given, recovery_codes: await codesOf(post("/me/passkeys", { name: given, ...made })) });
			}}>
				<Field name="name" label="Name" required maxLength={100} autocomplete="off" defaultValue={describeAgent(navigator.userAgent)}
					hint="To know it again: the device or where you keep it." autoFocus />
			</Form>
		</Dialog>
	);
}
