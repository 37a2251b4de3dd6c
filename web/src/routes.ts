// The one table of pages. A row: path, title, who may see it, where it stands in the menu, view.
// nginx answers these paths with index.html and others with 404: deploy/nginx/slipway.conf.template.
import type { ComponentType } from "preact";
import { Account } from "./pages/account";
import { Device } from "./pages/device";
import { Enrol } from "./pages/enrol";
import { Identities } from "./pages/identities";
import { Invitation } from "./pages/invitation";
import { Keys } from "./pages/keys";
import { PasswordReset } from "./pages/password_reset";
import { ResetPassword } from "./pages/reset_password";
import { SecondFactor } from "./pages/second_factor";
import { Security } from "./pages/security";
import { Sessions } from "./pages/sessions";
import { SetUp } from "./pages/set_up";
import { SignIn } from "./pages/sign_in";
import { VerifyEmail } from "./pages/verify_email";

export interface Page {
	path: string;
	title: string;
	/** Open pages are for everybody; the others lead to sign-in first. */
	access: "open" | "signed-in";
	/** Group of the menu; without it the page is one card, and not in the menu. */
	menu?: "Account";
	/** Only for those who have it: the others do not see it in the menu. */
	permission?: string;
	view: ComponentType;
}

export const pages: Page[] = [
	{ path: "/sign-in", title: "Sign in", access: "open", view: SignIn },
	{ path: "/second-factor", title: "Second factor", access: "open", view: SecondFactor },
	{ path: "/set-up", title: "Set up", access: "open", view: SetUp },
	{ path: "/invitation", title: "Invitation", access: "open", view: Invitation },
	{ path: "/password-reset", title: "Forgotten password", access: "open", view: PasswordReset },
	{ path: "/reset-password", title: "New password", access: "open", view: ResetPassword },
	{ path: "/verify-email", title: "E-mail address", access: "open", view: VerifyEmail },
	{ path: "/device", title: "Sign in a device", access: "signed-in", view: Device },
	{ path: "/enrol", title: "Authenticator app", access: "signed-in", view: Enrol },
	{ path: "/account", title: "Profile", access: "signed-in", menu: "Account", view: Account },
	{ path: "/account/security", title: "Security", access: "signed-in", menu: "Account", view: Security },
	{ path: "/account/sessions", title: "Sessions", access: "signed-in", menu: "Account", view: Sessions },
	{ path: "/account/identities", title: "Linked accounts", access: "signed-in", menu: "Account", view: Identities },
	{ path: "/account/keys", title: "API keys", access: "signed-in", menu: "Account", permission: "self.write", view: Keys },
];

export function findPage(path: string): Page | undefined {
	return pages.find((page) => page.path === path);
}

/** Whether somebody with these permissions has this page. */
export function mayOpen(page: Page, permissions: string[]): boolean {
	return !page.permission || permissions.includes(page.permission);
}
