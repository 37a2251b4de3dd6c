// What surrounds every page: header, menu, the notice of a lost connection. Signed-out pages are one
// card in the middle; signed-in ones have the menu beside them, above them on a phone.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Link, navigate, usePath } from "./router";
import { mayOpen, pages } from "./routes";
import { signOut, useSession } from "./session";
import { explain } from "./api";
import { Alert, Button } from "./ui";

export function Mark() {
	return (
		<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
			<rect width="32" height="32" rx="7" class="mark-ground" />
			<path class="mark-ramp" d="M4 26 28 15.5V26z" />
			<path class="mark-box" d="m10.7 9.9 8.3-3.6 3.6 8.2-8.3 3.7z" />
		</svg>
	);
}

type Theme = "system" | "light" | "dark";

function storedTheme(): Theme {
	const theme = document.documentElement.dataset.theme;
	return theme === "light" || theme === "dark" ? theme : "system";
}

const NEXT_THEME: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

/** One button through the system's theme, light and dark. */
function ThemeButton() {
	const [theme, setTheme] = useState<Theme>(storedTheme);
	const choose = () => {
		const next = NEXT_THEME[theme];
		if (next === "system") {
			delete document.documentElement.dataset.theme;
			localStorage.removeItem("theme");
		} else {
			document.documentElement.dataset.theme = next;
			localStorage.setItem("theme", next);
		}
		setTheme(next);
	};
	return (
		<button type="button" class="icon-button" onClick={choose} aria-label={`Theme: ${theme}`} title={`Theme: ${theme}`}>
			<svg viewBox="0 0 24 24" aria-hidden="true">
				{theme === "dark" && <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />}
				{theme === "light" && <><circle cx="12" cy="12" r="4.5" /><path d="M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.900 4.900l1.800 1.800M17.300 17.300l1.800 1.800M4.900 19.100l1.800-1.800M17.300 6.700l1.800-1.800" /></>}
				{theme === "system" && <><circle cx="12" cy="12" r="8.5" /><path class="filled" d="M12 3.5a8.5 8.5 0 0 1 0 17z" /></>}
			</svg>
		</button>
	);
}

function useOnline(): boolean {
	const [online, setOnline] = useState(navigator.onLine);
	useEffect(() => {
		const update = () => setOnline(navigator.onLine);
		window.addEventListener("online", update);
		window.addEventListener("offline", update);
		return () => {
			window.removeEventListener("online", update);
			window.removeEventListener("offline", update);
		};
	}, []);
	return online;
}

function OfflineNotice() {
	const online = useOnline();
	return (
		<div role="status">
			{!online && <p class="offline">You are offline. What you see may be out of date.</p>}
		</div>
	);
}

function Menu() {
	const path = usePath();
	const [open, setOpen] = useState(false);
	const { me } = useSession();
	const own = pages.filter((page) => page.menu && mayOpen(page, me?.permissions ?? []));
	const groups = [...new Set(own.map((page) => page.menu))];
	const here = pages.find((page) => page.path === path);
	useEffect(() => setOpen(false), [path]);
	return (
		<nav class="menu" aria-label="Main">
			<button type="button" class="menu-button" aria-expanded={open} aria-controls="menu-list" onClick={() => setOpen(!open)}>
				<span class="bars" aria-hidden="true" /><span>Menu</span>{here && <span class="here">{here.title}</span>}
			</button>
			<div id="menu-list" class={open ? "open" : ""}>
				{groups.map((group) => (
					<div key={group}>
						<p class="menu-group" id={`menu-${group}`}>{group}</p>
						<ul aria-labelledby={`menu-${group}`}>
							{own.filter((page) => page.menu === group).map((page) => (
								<li key={page.path}>
									<Link to={page.path} aria-current={page.path === path ? "page" : undefined}>{page.title}</Link>
								</li>
							))}
						</ul>
					</div>
				))}
				{me && <p class="menu-who">Signed in as {me.email}</p>}
			</div>
		</nav>
	);
}

function SignOutButton() {
	const session = useSession();
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState("");
	const leave = async () => {
		if (busy) return;
		setBusy(true);
		setFailure("");
		try {
			await signOut(session);
		} catch (error) {
			setFailure(explain(error));
		} finally {
			setBusy(false);
		}
	};
	return (
		<>
			<Button kind="quiet" busy={busy} onClick={() => void leave()}>Sign out</Button>
			{failure && <div class="toast"><Alert kind="error"><p>{failure}</p><Button kind="link" onClick={() => setFailure("")}>Dismiss</Button></Alert></div>}
		</>
	);
}

function Header() {
	const { me } = useSession();
	return (
		<header class="top">
			<a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("main h1")?.focus(); }}>
				Skip to content
			</a>
			<a class="brand" href="/account" onClick={(event) => { event.preventDefault(); navigate(me ? "/account" : "/sign-in"); }}>
				<Mark /><span>Slipway</span>
			</a>
			<div class="top-end">
				{me && <span class="who" title={me.email}>{me.email}</span>}
				<ThemeButton />
				{me && <SignOutButton />}
			</div>
		</header>
	);
}

/** Pages before sign-in, and short ones: one card. */
export function Centred({ children }: { children: ComponentChildren }) {
	return <main id="main" class="centred"><div class="card narrow">{children}</div></main>;
}

/** Pages with the menu. */
export function WithMenu({ children }: { children: ComponentChildren }) {
	return <div class="with-menu"><Menu /><main id="main" class="content">{children}</main></div>;
}

export function Frame({ children }: { children: ComponentChildren }) {
	return <><Header /><OfflineNotice />{children}</>;
}
