// Forms: a Form holds Fields. Values are read from the elements when the form is sent; errors stand
// beside their field, are tied to it for screen readers, and the first one gets the focus.
import { createContext, type ComponentChildren, type TargetedInputEvent } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { explain, Problem } from "./api";
import { Alert, Button } from "./ui";

/** Thrown by a form's handler: this field is the reason. */
export class FieldError extends Error {
	constructor(readonly field: string, message: string) {
		super(message);
	}
}

type Errors = Record<string, string>;
const FormContext = createContext<Errors>({});

export type Values = Record<string, string>;
type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

function controlsOf(form: HTMLFormElement): Control[] {
	return Array.from(form.elements).filter((e): e is Control => "validity" in e && "name" in e && e.name !== "");
}

/** What is wrong with a field by its own attributes, in our words. */
function complaint(control: Control): string {
	const label = (control.labels?.[0]?.textContent ?? "This").trim();
	const v = control.validity;
	if (v.valid) return "";
	if (v.valueMissing) return control.type === "checkbox" ? "Tick this to continue" : `${label} is missing`;
	if (v.typeMismatch && control.type === "email") return "This is not an e-mail address";
	if (v.tooShort && "minLength" in control) return `At least ${control.minLength} characters are needed`;
	if (v.patternMismatch && control.title) return control.title;
	return control.validationMessage;
}

/** Also what scripts have set, where the browser itself only judges typing. */
function tooShort(control: Control): string {
	if (!(control instanceof HTMLInputElement) || control.minLength <= 0 || control.value === "") return "";
	return control.value.length < control.minLength ? `At least ${control.minLength} characters are needed` : "";
}

export function Form({ onSubmit, submit, children, kind = "primary", more, label, concerns = {}, focusSubmit }: {
	/** Sends it. Throws FieldError, Problem or Unreachable; returning means done. */
	onSubmit(values: Values): Promise<void> | void;
	/** Which field a problem of this code is about; the others stand above the form. */
	concerns?: Record<string, string>;
	submit: string;
	children?: ComponentChildren;
	kind?: "primary" | "danger";
	/** Beside the submit button. */
	more?: ComponentChildren;
	label?: string;
	/** Where there is nothing to fill in. */
	focusSubmit?: boolean;
}) {
	const [errors, setErrors] = useState<Errors>({});
	const [failure, setFailure] = useState("");
	const [busy, setBusy] = useState(false);
	const form = useRef<HTMLFormElement>(null);
	const mounted = useRef(true);
	useEffect(() => () => { mounted.current = false; }, []);
	useLayoutEffect(() => {
		if (focusSubmit) form.current!.querySelector<HTMLElement>("button[type=submit]")?.focus();
	}, []);

	const complain = (found: Errors) => {
		setErrors(found);
		const first = controlsOf(form.current!).find((c) => found[c.name]) ??
			form.current!.querySelector<HTMLElement>("fieldset.field input");
		first?.focus();
	};
	const send = async (event: Event) => {
		event.preventDefault();
		if (busy) return;
		const found: Errors = {};
		const values: Values = {};
		for (const control of controlsOf(form.current!)) {
			const text = complaint(control) || tooShort(control);
			if (text && !found[control.name]) found[control.name] = text;
			if (!(control instanceof HTMLInputElement && /^(checkbox|radio)$/.test(control.type)) || control.checked)
				values[control.name] = control.value;
		}
		setFailure("");
		if (Object.keys(found).length > 0) return complain(found);
		setErrors({});
		setBusy(true);
		try {
			await onSubmit(values);
		} catch (error) {
			if (!mounted.current) return;
			const field = error instanceof Problem ? concerns[error.code] : undefined;
			if (error instanceof FieldError) complain({ [error.field]: error.message });
			else if (field) complain({ [field]: explain(error) });
			else setFailure(explain(error));
		} finally {
			if (mounted.current) setBusy(false);
		}
	};
	// What was wrong is being put right.
	const onInput = (event: Event) => {
		const { name } = event.target as Control;
		if (errors[name]) setErrors({ ...errors, [name]: "" });
	};
	return (
		<form ref={form} noValidate onSubmit={send} onInput={onInput} aria-label={label} aria-busy={busy}>
			{failure && <Alert kind="error">{failure}</Alert>}
			<FormContext.Provider value={errors}>{children}</FormContext.Provider>
			<div class="actions">
				<Button kind={kind} busy={busy} type="submit">{submit}</Button>
				{more}
			</div>
		</form>
	);
}

/** What a page may say of an input. */
interface InputProps {
	type?: "text" | "email" | "number" | "date";
	/** What it holds at first; from then on it is the person's. */
	defaultValue?: string;
	required?: boolean;
	autocomplete?: string;
	inputMode?: "text" | "numeric" | "email";
	minLength?: number;
	maxLength?: number;
	pattern?: string;
	/** What the pattern asks for, in words: the error when it does not fit. */
	title?: string;
	spellcheck?: boolean;
	autocapitalize?: "off" | "characters";
	autoFocus?: boolean;
	class?: string;
	onInput?(event: TargetedInputEvent<HTMLInputElement>): void;
}

/** Label, optional hint, error and a control, tied together. */
function Labelled({ name, label, hint, children }: {
	name: string; label: string; hint?: ComponentChildren;
	children(ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }): ComponentChildren;
}) {
	const id = useId();
	const error = useContext(FormContext)[name];
	const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
	return (
		<div class={error ? "field invalid" : "field"}>
			<label for={id}>{label}</label>
			{hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
			{children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
			<p class="field-error" id={`${id}-error`} aria-live="polite">{error}</p>
		</div>
	);
}

/** The browser's own autofocus is for the first page of a document only. */
function useFocus(wanted = false) {
	const ref = useRef<HTMLInputElement>(null);
	useLayoutEffect(() => {
		if (wanted) ref.current?.focus();
	}, []);
	return ref;
}

export function Field({ name, label, hint, autoFocus, ...input }: { name: string; label: string; hint?: ComponentChildren } & InputProps) {
	const ref = useFocus(autoFocus);
	return (
		<Labelled name={name} label={label} hint={hint}>
			{(ids) => <input {...(input as object)} {...ids} ref={ref} name={name} />}
		</Labelled>
	);
}

export function SelectField({ name, label, hint, options, value }: {
	name: string; label: string; hint?: ComponentChildren; options: [value: string, text: string][]; value?: string;
}) {
	return (
		<Labelled name={name} label={label} hint={hint}>
			{(ids) => (
				<select {...ids} name={name}>
					{options.map(([v, text]) => <option key={v} value={v} selected={v === value}>{text}</option>)}
				</select>
			)}
		</Labelled>
	);
}

/** One box to tick. */
export function CheckField({ name, label, autoFocus }: { name: string; label: string; autoFocus?: boolean }) {
	const ref = useFocus(autoFocus);
	const id = useId();
	const error = useContext(FormContext)[name];
	return (
		<div class={error ? "field invalid" : "field"}>
			<p class="field-error" id={id} role="alert">{error}</p>
			<label class="check"><input ref={ref} type="checkbox" name={name} aria-describedby={error ? id : undefined} /> <span>{label}</span></label>
		</div>
	);
}

/** Boxes to tick. The value of each that is ticked is among the form's, under its own name. */
export function CheckList({ name, label, groups }: { name: string; label: string; groups: [title: string, names: string[]][] }) {
	const id = useId();
	const error = useContext(FormContext)[name];
	return (
		<fieldset class={error ? "field invalid" : "field"} aria-describedby={error ? id : undefined}>
			<legend class="label">{label}</legend>
			<p class="field-error" id={id} role="alert">{error}</p>
			<div class="check-groups">
				{groups.map(([title, names]) => (
					<div key={title} role="group" aria-label={title}>
						{names.map((n) => <label key={n} class="check"><input type="checkbox" name={n} /> <span>{n}</span></label>)}
					</div>
				))}
			</div>
		</fieldset>
	);
}

/** A password that can be looked at, with a button inside the field. */
export function PasswordField({ name = "password", label = "Password", hint, after, autoFocus, ...input }: {
	name?: string; label?: string; hint?: ComponentChildren; after?: ComponentChildren;
} & InputProps) {
	const [shown, setShown] = useState(false);
	const [caps, setCaps] = useState(false);
	const ref = useFocus(autoFocus);
	const onKey = (event: KeyboardEvent) => setCaps(event.getModifierState?.("CapsLock") ?? false);
	return (
		<Labelled name={name} label={label} hint={hint}>
			{(ids) => (
				<>
					<div class="with-button" onKeyDown={onKey} onKeyUp={onKey} onFocusOut={() => setCaps(false)}>
						<input required maxLength={1024} spellcheck={false} autocapitalize="off" {...(input as object)} {...ids}
							ref={ref} name={name} {...{ type: shown ? "text" : "password" } as object} />
						<button type="button" class="inside" aria-label={`${shown ? "Hide" : "Show"} ${label.toLowerCase()}`} onClick={() => setShown(!shown)}>
							{shown ? "Hide" : "Show"}
						</button>
					</div>
					<p class="caps" role="status">{caps && "Caps Lock is on"}</p>
					{after}
				</>
			)}
		</Labelled>
	);
}

/** Whose password is asked for: what password managers look for. */
export function UserName({ email }: { email: string }) {
	return <input type="email" name="username" autocomplete="username" value={email} hidden readOnly />;
}

const MIN_PASSWORD = 8;

/** A code of digits: from an app, or typed off another screen. */
export function CodeField({ name = "otp", label, hint, digits = 6, autoFocus = true }: {
	name?: string; label: string; hint?: ComponentChildren; digits?: number; autoFocus?: boolean;
}) {
	return (
		<Field name={name} label={label} hint={hint} required class="code-input" autocomplete="one-time-code" inputMode="numeric"
			pattern={`\\s*(?:[0-9]\\s*){${digits}}`} title={`The code has ${digits} digits`} maxLength={digits + 4}
			spellcheck={false} autoFocus={autoFocus} />
	);
}

/** As typed, without the spaces people put in for reading. */
export function compact(text: string | undefined): string {
	return (text ?? "").replace(/\s+/g, "");
}

/** A new password with feedback while it is typed. The server has the last word. */
export function NewPasswordField({ name = "password", label = "New password", autoFocus }: {
	name?: string; label?: string; autoFocus?: boolean;
}) {
	const [text, setText] = useState("");
	return (
		<PasswordField name={name} label={label} autocomplete="new-password" minLength={MIN_PASSWORD} autoFocus={autoFocus}
			hint={`At least ${MIN_PASSWORD} characters; four or more unrelated words are easy to remember and hard to guess.`}
			onInput={(e) => setText(e.currentTarget.value)} after={<Strength text={text} />} />
	);
}

/**
 * How long a guesser would need, roughly: length counts, and characters that follow from the one
 * before (repeated, in sequence) do not. No rules of composition: they make passwords worse.
 */
export function strengthOf(text: string): 0 | 1 | 2 | 3 | 4 {
	let effective = 0;
	for (let i = 0; i < text.length; i++) {
		const step = i > 0 ? text.charCodeAt(i) - text.charCodeAt(i - 1) : 99;
		effective += Math.abs(step) <= 1 ? 0.25 : 1;
	}
	const variety = new Set(text).size;
	effective = Math.min(effective, variety * 2);
	if (text.length < MIN_PASSWORD) return text ? 1 : 0;
	if (effective < 8) return 1;
	if (effective < 12) return 2;
	return effective < 18 ? 3 : 4;
}

function Strength({ text }: { text: string }) {
	const level = strengthOf(text);
	const missing = MIN_PASSWORD - text.length;
	const words = missing > 0
		? `${missing} more character${missing === 1 ? "" : "s"}`
		: ["", "Easy to guess", "Fair", "Good", "Strong"][level];
	return (
		<div class="strength" data-level={text ? level : 0}>
			<span class="bar" aria-hidden="true"><i /><i /><i /><i /></span>
			<span role="status">{text ? words : ""}</span>
		</div>
	);
}
