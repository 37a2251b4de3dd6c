-- Second factors and passkeys.

-- Whoever has this set must have a factor before they may do anything else.
ALTER TABLE accounts ADD COLUMN factor_required BIGINT NOT NULL DEFAULT 0;

CREATE TABLE factors (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
    name TEXT NOT NULL,
    -- A factor counts once its holder has shown that they have it.
    state TEXT NOT NULL CHECK (state IN ('pending', 'active')),
    -- totp: the seed, encrypted under a key of the server. passkey: the public key (COSE).
    secret {blob} NOT NULL,
    -- passkey: what the authenticator calls it.
    credential_id {blob} UNIQUE,
    -- totp: the last time step that was accepted. passkey: the signature counter.
    counter BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX factors_by_account ON factors (account_id, state);

CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    code_hash {blob} NOT NULL,
    PRIMARY KEY (account_id, code_hash)
);
