// The small parts pages are made of. Each has one look; a page adds none of its own.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { explain } from "./api";

export function Button({ kind, busy, wide, children, ...rest }: {
	kind?: "primary" | "danger" | "warn" | "quiet" | "link"; busy?: boolean; wide?: boolean; children: ComponentChildren;
} & JSX.IntrinsicElements["button"]) {
	return (
		<button type="button" {...rest} class={`button ${kind ?? ""} ${wide ? "wide" : ""}`} aria-disabled={busy || undefined}
			data-busy={busy || undefined}>
			{children}
		</button>
	);
}

/** Says something important; a screen reader reads it at once. */
export function Alert({ kind = "info", children }: { kind?: "info" | "error" | "success" | "warning"; children: ComponentChildren }) {
	const ref = useRef<HTMLDivElement>(null);
	useEffect(() => ref.current?.scrollIntoView?.({ block: "nearest" }), []);
	return <div ref={ref} class={`alert ${kind}`} role={kind === "error" ? "alert" : "status"}>{children}</div>;
}

export function Loading({ what = "Loading" }: { what?: string }) {
	// Not for what is there in a moment: the style sheet shows it after a short delay.
	return <p class="loading" role="status"><span class="spinner" aria-hidden="true" />{what} …</p>;
}

export function Empty({ children }: { children: ComponentChildren }) {
	return <p class="empty">{children}</p>;
}

/** A part of a page with a heading of its own. */
export function Section({ title, children, action }: { title: string; children: ComponentChildren; action?: ComponentChildren }) {
	const id = useId();
	return (
		<section class="card" aria-labelledby={id}>
			<header class="section-head"><h2 id={id}>{title}</h2>{action}</header>
			{children}
		</section>
	);
}

export interface Loaded<T> {
	data: T | undefined;
	error: unknown;
	reload(): Promise<void>;
}

/** Reads something for a page: nothing yet, an error, or the data. */
export function useLoad<T>(load: () => Promise<T>): Loaded<T> {
	const [state, setState] = useState<{ data?: T; error?: unknown }>({});
	const current = useRef(0);
	const reload = async () => {
		const turn = ++current.current;
		try {
			const data = await load();
			if (turn === current.current) setState({ data });
		} catch (error) {
			if (turn === current.current) setState({ error });
		}
	};
	useEffect(() => {
		void reload();
		return () => { current.current++; };
	}, []);
	return { data: state.data, error: state.error, reload };
}

/** Shows what useLoad has: loading, the error with a way to try again, or the children. */
export function Show<T>({ of, what, children }: { of: Loaded<T>; what: string; children(data: T): ComponentChildren }) {
	if (of.error !== undefined)
		return (
			<Alert kind="error">
				<p>{explain(of.error)}</p>
				<Button onClick={() => void of.reload()}>Try again</Button>
			</Alert>
		);
	return of.data === undefined ? <Loading what={`Loading ${what}`} /> : <>{children(of.data)}</>;
}

/** What a list shows at first. */
const SHORT = 20;

/** A list of things that may be long: the first few, all of them when asked, and a search. */
export function Things<T extends { id: string }>({ of, what, text, children }: {
	of: T[];
	/** What they are, for screen readers: "sessions". */
	what: string;
	/** What of one can be searched. */
	text(thing: T): string;
	/** One as a li. */
	children(thing: T): ComponentChildren;
}) {
	const [all, setAll] = useState(false);
	const [wanted, setWanted] = useState("");
	const list = useRef<HTMLUListElement>(null);
	const id = useId();
	const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
	const found = words.length === 0 ? of : of.filter((thing) => {
		const has = text(thing).toLowerCase();
		return words.every((word) => has.includes(word));
	});
	const shown = all ? found : found.slice(0, SHORT);
	const showAll = () => {
		setAll(true);
		// The button goes; reading goes on where it was.
		setTimeout(() => {
			const next = list.current?.querySelectorAll<HTMLElement>(":scope > li")[SHORT];
			if (next) next.tabIndex = -1;
			next?.focus();
		});
	};
	return (
		<>
			{of.length > SHORT && (
				<div class="field search">
					<label for={id} class="visually-hidden">Search {what}</label>
					<input id={id} type="search" placeholder={`Search ${of.length} ${what}`} autocomplete="off" spellcheck={false}
						onInput={(e) => setWanted(e.currentTarget.value)} />
					<p class="visually-hidden" role="status">{words.length > 0 && `${found.length} found`}</p>
				</div>
			)}
			{found.length === 0
				? <Empty>Nothing matches “{wanted.trim()}”.</Empty>
				: <ul class="things" ref={list} aria-label={what}>{shown.map(children)}</ul>}
			{shown.length < found.length && <Button onClick={showAll}>Show all {found.length}</Button>}
		</>
	);
}

/**
 * A modal dialog: the browser keeps the focus inside, closes it with Escape and gives the focus back
 * to where it was. Without onClose only what is in it closes it: it shows something once.
 */
export function Dialog({ title, onClose, read, children }: {
	title: string;
	onClose?(): void;
	/** Its text is to be read first: the focus is on the title. */
	read?: boolean;
	children: ComponentChildren;
}) {
	const ref = useRef<HTMLDialogElement>(null);
	const id = useId();
	useLayoutEffect(() => {
		const dialog = ref.current!;
		const before = document.activeElement;
		dialog.showModal();
		if (read) dialog.querySelector("h2")!.focus();
		return () => {
			dialog.close();
			if (before instanceof HTMLElement) before.focus();
			// It may be on its way out too: the row of what was just deleted.
			setTimeout(() => {
				if (document.activeElement === document.body) document.querySelector<HTMLElement>("main h1")?.focus();
			});
		};
	}, []);
	return (
		<dialog ref={ref} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); onClose?.(); }}
			onKeyDown={(e) => { if (!onClose && e.key === "Escape") e.preventDefault(); }}>
			<h2 id={id} tabIndex={read ? -1 : undefined}>{title}</h2>
			{children}
		</dialog>
	);
}

/** A button that asks before it does what cannot be undone. */
export function Confirmed({ label, title, text, verb, onConfirm, describe, kind = "danger" }: {
	label: string; title: string; text: ComponentChildren; verb: string; onConfirm(): Promise<void>;
	/** For screen readers, where several buttons have the same label. */
	describe?: string;
	kind?: "danger" | "primary";
}) {
	const [open, setOpen] = useState(false);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState("");
	const close = () => { setOpen(false); setFailure(""); };
	const confirm = async () => {
		if (busy) return;
		setBusy(true);
		setFailure("");
		try {
			await onConfirm();
			close();
		} catch (error) {
			setFailure(explain(error));
		} finally {
			setBusy(false);
		}
	};
	return (
		<>
			<Button kind="quiet" aria-label={describe} onClick={() => setOpen(true)}>{label}</Button>
			{open && (
				<Dialog title={title} onClose={close}>
					{failure && <Alert kind="error">{failure}</Alert>}
					<p>{text}</p>
					<div class="actions">
						<Button kind={kind} busy={busy} onClick={() => void confirm()}>{verb}</Button>
						<Button autoFocus={kind === "danger"} onClick={close}>Cancel</Button>
					</div>
				</Dialog>
			)}
		</>
	);
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
	const [done, setDone] = useState("");
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text);
			setDone("Copied");
		} catch {
			setDone("Copying is not allowed here: select the text instead");
		}
	};
	return <><Button onClick={() => void copy()}>{label}</Button><span class="said" role="status">{done}</span></>;
}

/** A point in time, relative where that says more; the exact time is in the tooltip. */
export function Time({ at }: { at: string | null | undefined }) {
	if (!at) return <>never</>;
	const date = new Date(at);
	return <time dateTime={at} title={date.toLocaleString()}>{relative(date)}</time>;
}

/** When something was used last. */
export function LastUsed({ at }: { at: string | null }) {
	return at ? <>last used <Time at={at} /></> : <>not used yet</>;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86400], ["hour", 3600], ["minute", 60]];

function relative(date: Date): string {
	const seconds = Math.round((date.getTime() - Date.now()) / 1000);
	if (Math.abs(seconds) > 30 * 86400) return date.toLocaleDateString("en", { dateStyle: "medium" });
	for (const [unit, size] of UNITS)
		if (Math.abs(seconds) >= size)
			return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
	return "just now";
}
