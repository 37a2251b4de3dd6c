// Starts the pages: finds out who is signed in, shows the page of the current path, and connects the
// fetch client with what only the app can do (leave for sign-in, ask for a fresh proof).
import "./styles/index.css";
import { Component, render, type ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { explain, Problem, setHooks } from "./api";
import { Centred, Frame, WithMenu } from "./layout";
import { Heading, Link, navigate, usePath } from "./router";
import { findPage, mayOpen, type Page } from "./routes";
import { loadMe, rememberReturn, SessionContext, type Me, type Session } from "./session";
import { StepUp } from "./step_up";
import { Alert, Button, Loading } from "./ui";

function leaveForSignIn(): void {
	const here = location.pathname + location.search;
	if (findPage(location.pathname)?.access === "signed-in") rememberReturn(here);
	navigate("/sign-in", { replace: true });
}

function View({ page, session, failure }: { page: Page; session: Session; failure: string }) {
	const View = page.view;
	if (page.access === "open") return <Centred key={page.path}><View /></Centred>;
	if (failure)
		return (
			<Centred>
				<Heading>No connection</Heading>
				<Alert kind="error">{failure}</Alert>
				<Button kind="primary" onClick={() => void session.refresh()}>Try again</Button>
			</Centred>
		);
	if (!session.me) return <main class="centred"><Loading /></main>;
	if (!mayOpen(page, session.me.permissions)) return <WithMenu key={page.path}><NotYours /></WithMenu>;
	return page.menu ? <WithMenu key={page.path}><View /></WithMenu> : <Centred key={page.path}><View /></Centred>;
}

/** A mistake of ours in a page: the frame stays, and the rest of the site can be reached. */
class Catch extends Component<{ children: ComponentChildren }, { failed: boolean }> {
	override state = { failed: false };

	override componentDidCatch(error: unknown) {
		console.error(error);
		this.setState({ failed: true });
	}

	override render() {
		if (!this.state.failed) return this.props.children;
		return (
			<Centred>
				<Heading>Something went wrong</Heading>
				<p>This page has a mistake. Reloading it may help; if not, tell your administrator what you were doing.</p>
				<Button kind="primary" onClick={() => location.reload()}>Reload</Button>
			</Centred>
		);
	}
}

function App() {
	const path = usePath();
	const page = findPage(path);
	const [me, setMe] = useState<Me | null | undefined>(undefined);
	const [failure, setFailure] = useState("");
	const [asking, setAsking] = useState<{ done(proved: boolean): void }>();
	const session = useMemo<Session>(() => ({
		me,
		forget: () => setMe(undefined),
		async refresh() {
			try {
				setMe(await loadMe());
				setFailure("");
			} catch (error) {
				if (error instanceof Problem && error.status === 401) setMe(null);
				else setFailure(explain(error));
			}
		},
	}), [me]);

	useEffect(() => {
		setHooks({
			onSignedOut: () => setMe(null),
			stepUp: () => new Promise((done) => setAsking({ done: (proved) => { setAsking(undefined); done(proved); } })),
		});
		void session.refresh();
	}, []);
	useEffect(() => {
		if (me === null && page?.access === "signed-in") leaveForSignIn();
	}, [me, page]);

	return (
		<SessionContext.Provider value={session}>
			<Frame>
				<Catch key={path}>{page ? <View page={page} session={session} failure={failure} /> : <NotFound />}</Catch>
			</Frame>
			{asking && <StepUp onDone={asking.done} />}
		</SessionContext.Provider>
	);
}

function NotYours() {
	return (
		<>
			<Heading>Not permitted</Heading>
			<p>Your account does not have the permission for this page. An administrator can give it.</p>
		</>
	);
}

/** Only reached from inside: nginx answers other paths itself. */
function NotFound() {
	return (
		<Centred>
			<Heading>Page not found</Heading>
			<p>There is nothing at this address.</p>
			<p><Link to="/account" class="button primary">Go to your account</Link></p>
		</Centred>
	);
}

render(<App />, document.getElementById("app")!);
