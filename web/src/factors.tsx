// What the pages know of second factors: the ways to answer, and the recovery codes shown once.
import { useState } from "preact/hooks";
import { CodeField, compact, Field, type Values } from "./forms";
import { Button, CopyButton } from "./ui";

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
export const FACTOR_CONCERNS = { invalid_factor: "code", wrong_password: "password" };

/** Asks for a code: from the app, or, when that is out of reach, a recovery code. */
export function CodeQuestion({ ways }: { ways: string[] }) {
	const [way, setWay] = useState(ways.includes("totp") ? "totp" : "recovery_code");
	const other = way === "totp" ? "recovery_code" : "totp";
	return (
		<>
			{way === "totp"
				? <CodeField key={way} name="code" label="Code" hint="The six digits your authenticator app shows now." />
				: <Field key={way} name="code" label="Recovery code" required autocomplete="off" autocapitalize="off" spellcheck={false} autoFocus
					maxLength={40} class="code" hint="One of the codes you were given with your second factor. Each works once." />}
			<input type="hidden" name="way" value={way} />
			{ways.includes(other) && (
				<p>
					<Button kind="link" onClick={() => setWay(other)}>
						{other === "totp" ? "Use the authenticator app" : "Use a recovery code"}
					</Button>
				</p>
			)}
		</>
	);
}

/** What CodeQuestion's form sends. */
export function codeAnswer(values: Values): { otp: string } | { recovery_code: string } {
	const code = compact(values.code);
	return values.way === "totp" ? { otp: code } : { recovery_code: code };
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
