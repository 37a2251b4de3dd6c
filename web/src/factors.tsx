// What the pages know of second factors: the ways to answer, and the recovery codes shown once.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem } from "./api";
import { CodeField, compact, Field, Form, type Values } from "./forms";
import { Button, CopyButton } from "./ui";
import { hasPasskeys, NO_PASSKEYS, type PasskeyAnswer } from "./webauthn";

export interface Factor {
	id: string;
	kind: "totp" | "passkey";
	name: string;
	created_at: string;
	last_used_at: string | null;
}

export interface Factors {
	factors: Factor[];
	/** How many are left. */
	recovery_codes: number;
	required: boolean;
}

/** The problem codes that are about what was typed. */
export const FACTOR_CONCERNS = { invalid_factor: "code" };

/** The recovery codes of an answer: also of the one failure that comes when the factor is stored all the same. */
export async function codesOf(answer: Promise<{ recovery_codes: string[] }>): Promise<string[]> {
	try {
		return (await answer).recovery_codes;
	} catch (e) {
		const codes = e instanceof Problem && e.code === "not_yet_published" ? e.members.recovery_codes : undefined;
		if (Array.isArray(codes)) return codes as string[];
		throw e;
	}
}

/** What the server takes as the answer of a factor. */
export type Proof = { otp: string } | { recovery_code: string } | { passkey: PasskeyAnswer };

const WAYS: Record<string, string> = {
	passkey: "Use a passkey", totp: "Use the authenticator app", recovery_code: "Use a recovery code",
};

/** Asks for a factor in one of the ways there are, the handiest first; the others are a click away. */
export function FactorForm({ ways, submit, ask, onProof, more }: {
	/** Words of the server: totp, passkey, recovery_code. */
	ways: string[];
	submit: string;
	/** Asks for a passkey, with a challenge that is for this. */
	ask(): Promise<PasskeyAnswer>;
	onProof(proof: Proof): Promise<void>;
	more?: ComponentChildren;
}) {
	const possible = Object.keys(WAYS).filter((w) => ways.includes(w) && (w !== "passkey" || hasPasskeys()));
	const [way, setWay] = useState(possible[0]);
	const lacking = ways.includes("passkey") && !hasPasskeys();
	if (!way) return <p>{NO_PASSKEYS} Use one in which yours works.</p>;
	const prove = async (values: Values): Promise<Proof> => {
		if (way === "passkey") return { passkey: await ask() };
		const code = compact(values.code);
		return way === "totp" ? { otp: code } : { recovery_code: code };
	};
	return (
		<>
			<Form key={way} submit={way === "passkey" ? "Use your passkey" : submit} concerns={FACTOR_CONCERNS} more={more}
				focusSubmit={way === "passkey"} onSubmit={async (values) => onProof(await prove(values))}>
				{way === "passkey" && <p>Your browser asks for it: your fingerprint, your face, a PIN or a security key.</p>}
				{way === "totp" && <CodeField name="code" label="Code" hint="The six digits your authenticator app shows now." />}
				{way === "recovery_code" && <Field name="code" label="Recovery code" required autocomplete="off" autocapitalize="off" spellcheck={false}
					autoFocus maxLength={40} class="code" hint="One of the codes you were given with your second factor. Each works once." />}
			</Form>
			{lacking && <p class="muted small">{NO_PASSKEYS}</p>}
			{possible.length > 1 && (
				<ul class="ways">
					{possible.filter((w) => w !== way).map((w) => <li key={w}><Button kind="link" onClick={() => setWay(w)}>{WAYS[w]}</Button></li>)}
				</ul>
			)}
		</>
	);
}

function download(name: string, text: string): void {
	const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
	const link = document.createElement("a");
	link.href = url;
	link.download = name;
	link.click();
	URL.revokeObjectURL(url);
}

/** Codes that are shown once: the person takes them along before going on. */
export function RecoveryCodes({ codes, email, onDone }: { codes: string[]; email: string; onDone(): void }) {
	const text = `Slipway recovery codes of ${email}\n${location.host}, ${new Date().toISOString().slice(0, 10)}\n` +
		`Each works once.\n\n${codes.join("\n")}\n`;
	return (
		<div class="stack">
			<p>If you lose your second factor, each of these codes lets you in once. They are not shown again: keep them where
				you keep other secrets.</p>
			<ul class="codes" aria-label="Recovery codes">{codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul>
			<div class="actions">
				<CopyButton text={codes.join("\n") + "\n"} />
				<Button onClick={() => download("slipway-recovery-codes.txt", text)}>Download</Button>
				<Button onClick={() => window.print()}>Print</Button>
			</div>
			<div class="actions"><Button kind="primary" onClick={onDone}>I have stored them</Button></div>
		</div>
	);
}
