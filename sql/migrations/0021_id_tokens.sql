-- The ID token with which a browser's session began: the identity provider wants to see it again
-- when its user signs out there, too. It goes when the session is over.
CREATE TABLE session_id_tokens (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    -- Encrypted under a key of the server.
    id_token {blob} NOT NULL
);
