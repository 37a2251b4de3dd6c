-- API keys with an address list and two living secrets, OAuth for tools, trust in CI providers.

-- Networks in CIDR notation that the key may be used from, space-separated; empty: from anywhere.
ALTER TABLE api_keys ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
-- After a rotation: the secret before, and until when it still opens.
ALTER TABLE api_keys ADD COLUMN previous_hash {blob};
ALTER TABLE api_keys ADD COLUMN previous_until BIGINT;
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);

-- What a client asked for when it was signed in, as permissions (policy.h); empty: all there is.
ALTER TABLE sessions ADD COLUMN scope TEXT NOT NULL DEFAULT '';

-- Devices that wait to be signed in from a browser (RFC 8628). Both codes are keyed digests.
CREATE TABLE device_codes (
    device_code_hash {blob} PRIMARY KEY,
    user_code_hash {blob} NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    ip_prefix TEXT NOT NULL,
    country TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied')),
    -- Who approved or denied, and in which session: its proof becomes that of the device's session.
    account_id TEXT,
    session_id TEXT,
    interval_s BIGINT NOT NULL,
    polled_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

-- Jobs of a CI provider that may have an access token for one of the provider's (RFC 8693).
CREATE TABLE workload_identities (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    -- {"claim": "pattern", …}: all must fit.
    conditions TEXT NOT NULL,
    -- With the words that narrow them (policy.h).
    permissions TEXT NOT NULL,
    lifetime_s BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX workload_identities_by_issuer ON workload_identities (issuer);

-- Tokens of providers that were exchanged: each one once.
CREATE TABLE exchanged_tokens (
    token_hash {blob} PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX exchanged_tokens_by_expiry ON exchanged_tokens (expires_at);
