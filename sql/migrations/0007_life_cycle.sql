-- Accounts from their invitation to their end.

-- When its holder has shown that mail to the address reaches them; NULL: never.
ALTER TABLE accounts ADD COLUMN verified_at BIGINT;
CREATE INDEX accounts_by_organisation ON accounts (organisation_id, id);

-- Who was asked to have an account. The secret of the link is a ticket that names the invitation
-- where others name an account.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    organisation_id TEXT REFERENCES organisations (id),
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Networks and programs an account has signed in from, as hashes under a key of the server.
CREATE TABLE known_places (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    place_hash {blob} NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, place_hash)
);
