-- Sessions of browsers, how their holder has signed in, and one-time tickets.

-- 'token': goes on by refresh tokens. 'cookie': a browser's; token_hash is of the cookie.
ALTER TABLE sessions ADD COLUMN transport TEXT NOT NULL DEFAULT 'token'
    CHECK (transport IN ('token', 'cookie'));
-- How the holder proved who they are: words of RFC 8176 (amr), and 'fed' for another provider.
ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';
-- When they last did: dangerous actions ask for a recent time.
ALTER TABLE sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
-- The identity provider's own session, for its back-channel logout.
ALTER TABLE sessions ADD COLUMN provider_id TEXT;
ALTER TABLE sessions ADD COLUMN provider_session TEXT;
CREATE INDEX sessions_by_provider ON sessions (provider_id, provider_session);

-- One-time secrets with a purpose: only their SHA-256 is here. Redeeming one deletes it.
CREATE TABLE tickets (
    token_hash {blob} PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT,
    -- What the one who redeems it needs to know (JSON).
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_account ON tickets (account_id, purpose);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
