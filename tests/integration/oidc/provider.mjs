// A certified OpenID provider (npm oidc-provider) with one client. PORT, REDIRECT_URI and LOGOUT_URI
// come from the environment; any login name is a user.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const { PORT, REDIRECT_URI, LOGOUT_URI } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
// ID_TOKEN_ALG: what the client's ID tokens are signed by; the provider has a key for each.
const ID_TOKEN_ALG = process.env.ID_TOKEN_ALG ?? "RS256";
const jwk = (kid, type, more) => ({ ...generateKeyPairSync(type, { modulusLength: 2048, namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
	kid, use: "sig", ...more });
const provider = new Provider(issuer, {
	clients: [{
		client_id: "app", client_secret: "app-secret-0123456789abcdef0123456789",
		redirect_uris: [REDIRECT_URI], post_logout_redirect_uris: ["https://slipway.test/sign-in"],
		backchannel_logout_uri: LOGOUT_URI, backchannel_logout_session_required: true,
		grant_types: ["authorization_code"], response_types: ["code"], id_token_signed_response_alg: ID_TOKEN_ALG,
	}],
	jwks: { keys: [jwk("r", "rsa", { alg: ID_TOKEN_ALG === "PS256" ? "PS256" : "RS256" }), jwk("o", "ed25519"), jwk("e", "ec")] },
	enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] },
	pkce: { required: () => true },
	scopes: ["openid", "email", "profile"],
	claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
	cookies: { keys: ["only-for-tests"] },
	features: {
		devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true },
		backchannelLogout: { enabled: true },
	},
	// Its own guard would not let it call us on loopback.
	fetch: (url, { dispatcher, ...options }) => fetch(url, options),
	ttl: { AccessToken: 300, IdToken: 300, Interaction: 600, Session: 3600, Grant: 3600 },
	async findAccount(_, id) {
		const claims = { sub: id, email: `${id}@example.test`, email_verified: true, name: id, groups: ["ops"] };
		return { accountId: id, claims: async () => claims };
	},
});
provider.on("backchannel.error", (_, error) => console.error("backchannel", error));
provider.listen(PORT, "127.0.0.1", () => console.log("ready", issuer));
