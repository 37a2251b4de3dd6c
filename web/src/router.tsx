// Paths and pages. A navigation changes the path without a new document; the new page's heading then
// gets the focus, so that the keyboard and a screen reader continue there.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const CHANGED = "slipway:navigated";

/** Words for the page that comes next. */
export interface Notice {
	kind: "info" | "success";
	text: string;
}

let notice: Notice | undefined;

/** What the page before has left to be said here, once. */
export function takeNotice(): Notice | undefined {
	const left = notice;
	notice = undefined;
	return left;
}

/** Goes to a path of ours (may have a query). */
export function navigate(to: string, how: { replace?: boolean; say?: Notice } = {}): void {
	notice = how.say;
	if (how.replace) history.replaceState(null, "", to);
	else history.pushState(null, "", to);
	window.dispatchEvent(new Event(CHANGED));
}

/** The current path, kept up to date. */
export function usePath(): string {
	const [path, setPath] = useState(location.pathname);
	useEffect(() => {
		const update = () => setPath(location.pathname);
		window.addEventListener(CHANGED, update);
		window.addEventListener("popstate", update);
		update(); // a page may have gone on before this listened
		return () => {
			window.removeEventListener(CHANGED, update);
			window.removeEventListener("popstate", update);
		};
	}, []);
	return path;
}

/** A member of the query, or "". */
export function query(name: string): string {
	return new URLSearchParams(location.search).get(name) ?? "";
}

/**
 * A one-time secret from a link (#token=… or ?token=…). It is taken out of the address at once: it
 * must not stay in the history, nor be read over a shoulder.
 */
export function takeSecret(name: string): string {
	const fragment = new URLSearchParams(location.hash.slice(1));
	const value = fragment.get(name) ?? query(name);
	if (value) history.replaceState(null, "", location.pathname);
	return value;
}

/** The ticket of a mailed link, all that is behind its #; taken out of the address as well. */
export function takeTicket(): string {
	const value = location.hash.slice(1);
	if (value) history.replaceState(null, "", location.pathname);
	return value;
}

// A mailed link opened where its page is shown already changes the part behind # alone: begin again.
window.addEventListener("hashchange", () => {
	if (location.hash.length > 1) location.reload();
});

/**
 * Where to go after sign-in: only to a page of ours. "//host" and "/\host" are other hosts to a
 * browser, so the address is resolved the way a browser does it and compared.
 */
export function safeReturn(to: string, fallback = "/account"): string {
	if (!to.startsWith("/")) return fallback;
	const url = new URL(to, location.origin);
	return url.origin === location.origin && !url.pathname.startsWith("/api/") ? url.pathname + url.search : fallback;
}

function isPlainClick(event: MouseEvent): boolean {
	return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

export function Link({ to, children, ...rest }: {
	to: string; children: ComponentChildren; class?: string; "aria-current"?: "page" | undefined;
}) {
	const onClick = (event: MouseEvent) => {
		if (!isPlainClick(event)) return;
		event.preventDefault();
		navigate(to);
	};
	return <a {...rest} href={to} onClick={onClick}>{children}</a>;
}

let isFirstPage = true;

/** The one h1 of a page: names the document and takes the focus when it is new. */
export function Heading({ children }: { children: string }) {
	const ref = useRef<HTMLHeadingElement>(null);
	useLayoutEffect(() => {
		document.title = `${children} – Slipway`;
		// The browser's own start of a document is right for the first one. A field that has
		// taken the focus keeps it.
		const active = document.activeElement;
		if (!isFirstPage && (!active || active === document.body)) {
			ref.current?.focus();
			window.scrollTo(0, 0);
		}
		isFirstPage = false;
	}, [children]);
	return <h1 ref={ref} tabIndex={-1}>{children}</h1>;
}
