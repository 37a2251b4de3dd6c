-- Sign-in through other servers: OpenID Connect, and OAuth 2.0 where there is no ID token.

CREATE TABLE identity_providers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('oidc', 'oauth')),
    -- Never changes: an identity is (issuer, subject), and issuer is the provider's.
    issuer TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    -- Encrypted under a key of the server. NULL: a public client.
    client_secret {blob},
    client_auth TEXT NOT NULL CHECK (client_auth IN ('basic', 'post')),
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    -- What is only looked at as a whole: URLs, claims, domains, rules.
    settings {json} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Who an account is at a provider.
CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES identity_providers (id),
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- As the provider said last; of no consequence.
    email TEXT NOT NULL,
    -- The account's role and organisation follow the provider's rules.
    managed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    UNIQUE (provider_id, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

-- Logout tokens that were obeyed: each counts once.
CREATE TABLE logout_tokens (
    provider_id TEXT NOT NULL REFERENCES identity_providers (id),
    jti TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (provider_id, jti)
);
CREATE INDEX logout_tokens_by_expiry ON logout_tokens (expires_at);
