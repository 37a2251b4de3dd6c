// Starts the pages: finds out who is signed in, shows the page of the current path, and connects the
// fetch client with what only the app can do (leave for sign-in, ask for a fresh proof).
import "./styles/index.css";
import { Component, render, type ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem, setHooks } from "./api";
import { Centred, Frame, WithMenu } from "./layout";
import { NoAnswer, NotFound, NotPermitted } from "./refusals";
import { Heading, navigate, usePath } from "./router";
import { findPage, mayOpen, type Page } from "./routes";
import { loadMe, rememberReturn, SessionContext, type Me, type Session } from "./session";
import { StepUp } from "./step_up";
import { Button, Loading } from "./ui";

/** To sign-in, and afterwards back to this page. */
function leaveForSignIn(wasSignedIn: boolean): void {
	rememberReturn(location.pathname + location.search);
	navigate("/sign-in", { replace: true, say: wasSignedIn
		? { kind: "info", text: "Your session has ended. Sign in to go on where you were." } : undefined });
}

function View({ page, session, failure }: { page: Page; session: Session; failure: unknown }) {
	const View = page.view;
	if (page.access === "open") return <Centred key={page.path}><View /></Centred>;
	if (failure !== undefined) return <Centred><NoAnswer failure={failure} onRetry={session.refresh} /></Centred>;
	if (!session.me) return <main class="centred"><Loading /></main>;
	if (!mayOpen(page, session.me.permissions)) return <WithMenu key={page.path}><NotPermitted page={page} /></WithMenu>;
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
	const [failure, setFailure] = useState<unknown>();
	const [asking, setAsking] = useState<{ done(proved: boolean): void }>();
	const wasSignedIn = useRef(false);
	const session = useMemo<Session>(() => ({
		me,
		forget() {
			wasSignedIn.current = false;
			setMe(undefined);
		},
		async refresh() {
			try {
				setMe(await loadMe());
				wasSignedIn.current = true;
				setFailure(undefined);
			} catch (error) {
				// 401: the hook below knows already.
				if (!(error instanceof Problem && error.status === 401)) setFailure(error);
			}
		},
	}), [me]);

	useEffect(() => {
		setHooks({
			onSignedOut() {
				setMe(null);
				setFailure(undefined);
			},
			stepUp: () => new Promise((done) => setAsking({ done: (proved) => { setAsking(undefined); done(proved); } })),
		});
		void session.refresh();
	}, []);
	useEffect(() => {
		if (me !== null) return;
		asking?.done(false);
		if (page?.access === "signed-in") leaveForSignIn(wasSignedIn.current);
		wasSignedIn.current = false;
	}, [me, page]);

	return (
		<SessionContext.Provider value={session}>
			<Frame>
				<Catch key={path}>{page ? <View page={page} session={session} failure={failure} /> : <Centred><NotFound /></Centred>}</Catch>
			</Frame>
			{asking && <StepUp onDone={asking.done} />}
		</SessionContext.Provider>
	);
}

render(<App />, document.getElementById("app")!);
