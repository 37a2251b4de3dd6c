// What stands where a page cannot: one may not, there is none, or the server does not answer.
import { useEffect, useState } from "preact/hooks";
import { explain, get, Unreachable } from "./api";
import type { Factors } from "./factors";
import { Heading, Link } from "./router";
import type { Page } from "./routes";
import { signOut, useSession } from "./session";
import { Alert, Button, Section } from "./ui";

/** How often a server that does not answer is asked again, while somebody looks. */
const RETRY_MS = 5000;

export function NoAnswer({ failure, onRetry }: { failure: unknown; onRetry(): Promise<void> }) {
	const away = failure instanceof Unreachable;
	useEffect(() => {
		const again = () => { if (!document.hidden) void onRetry(); };
		const timer = setInterval(again, RETRY_MS);
		window.addEventListener("online", again);
		return () => {
			clearInterval(timer);
			window.removeEventListener("online", again);
		};
	}, []);
	return (
		<>
			<Heading>{away ? "No connection" : "No answer"}</Heading>
			<Alert kind="error">{explain(failure)}</Alert>
			<p class="muted">This page goes on by itself as soon as it can.</p>
			<div class="actions"><Button kind="primary" onClick={() => void onRetry()}>Try again</Button></div>
		</>
	);
}

/** Says who one is, what is missing and who can help. */
export function NotPermitted({ page }: { page: Page }) {
	const session = useSession();
	const me = session.me!;
	const [mustEnrol, setMustEnrol] = useState(false);
	const [failure, setFailure] = useState("");
	useEffect(() => {
		// Who must have a factor and has none may do next to nothing until then.
		get<Factors>("/me/factors").then((own) => setMustEnrol(own.required && own.factors.length === 0), () => {});
	}, []);
	return (
		<>
			<Heading>Not permitted</Heading>
			{failure && <Alert kind="error">{failure}</Alert>}
			<Section title={`You may not open “${page.title}”`}>
				<dl class="facts">
					<div><dt>You are</dt><dd>{me.email}</dd></div>
					<div><dt>Your role</dt><dd>{me.role}</dd></div>
					<div><dt>What is missing</dt><dd>{mustEnrol ? "a second factor" : <>the permission <code>{page.permission}</code></>}</dd></div>
				</dl>
				<p>{mustEnrol
					? "Your account must have a second factor before you can do this."
					: "An administrator can give you a role that has it: tell them what stands here."}</p>
				<div class="actions">
					{mustEnrol
						? <Link to="/account/security" class="button primary">Set up a second factor</Link>
						: <Link to="/account" class="button primary">Go to your account</Link>}
					<Button onClick={() => void signOut(session, page.path).catch((error) => setFailure(explain(error)))}>Sign in as somebody else</Button>
				</div>
			</Section>
		</>
	);
}

/** Only reached from inside: nginx answers other paths itself. */
export function NotFound() {
	return (
		<>
			<Heading>Page not found</Heading>
			<p>There is nothing at this address. It may have been mistyped, or the link is out of date.</p>
			<div class="actions"><Link to="/account" class="button primary">Go to your account</Link></div>
		</>
	);
}
