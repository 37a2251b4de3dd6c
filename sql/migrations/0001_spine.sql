-- The nouns of the system. One text for both engines; {blob} is the only type that differs.
-- Times are microseconds since the epoch, UTC. Ids are TypeIDs. JSON is kept as TEXT.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Catalogue ------------------------------------------------------------------------------------

CREATE TABLE products (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    countries_denied TEXT NOT NULL,
    countries_allowed TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Public keys (minisign) whose signatures are accepted for a product's packages.
CREATE TABLE publisher_keys (
    id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products (id),
    key_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (product_id, key_id)
);

CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products (id),
    version TEXT NOT NULL,
    -- Canonical text without build metadata: unique by precedence.
    precedence TEXT NOT NULL,
    -- Order-preserving key of the precedence (semver_key), for sorting.
    sort_key {blob} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'paused', 'withdrawn')),
    notes TEXT NOT NULL,
    critical BIGINT NOT NULL,
    mandatory BIGINT NOT NULL,
    min_from TEXT NOT NULL,
    eol_at BIGINT,
    created_at BIGINT NOT NULL,
    published_at BIGINT,
    withdrawn_reason TEXT NOT NULL,
    UNIQUE (product_id, precedence)
);
CREATE INDEX releases_by_order ON releases (product_id, sort_key);

-- Channels a release was put into; visibility upwards (stable ⊂ beta ⊂ dev) is derived.
CREATE TABLE release_channels (
    release_id TEXT NOT NULL REFERENCES releases (id),
    channel TEXT NOT NULL CHECK (channel IN ('stable', 'beta', 'dev')),
    added_at BIGINT NOT NULL,
    PRIMARY KEY (release_id, channel)
);

-- What the store holds, by digest. A row stands before its file (quarantined: not inspected yet,
-- never served) and until after it (removing: the file is about to go or has gone).
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('quarantined', 'verified', 'damaged', 'removing')),
    format TEXT NOT NULL,
    -- What the inspection found (JSON).
    detail TEXT NOT NULL,
    -- Last time the bytes were uploaded: what no package holds is kept for a while after this.
    claimed_at BIGINT NOT NULL,
    scrubbed_at BIGINT NOT NULL
);
CREATE INDEX blobs_by_scrub ON blobs (scrubbed_at, sha256);

-- Digests nobody may download, by who said so: one that is blocked by both stays so until neither
-- does.
CREATE TABLE blocked_digests (
    sha256 TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('admin', 'scrubber')),
    reason TEXT NOT NULL,
    blocked_at BIGINT NOT NULL,
    PRIMARY KEY (sha256, source)
);

CREATE TABLE packages (
    id TEXT PRIMARY KEY,
    release_id TEXT NOT NULL REFERENCES releases (id),
    filename TEXT NOT NULL,
    platform TEXT NOT NULL,
    format TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256),
    class TEXT NOT NULL CHECK (class IN ('public', 'licensed', 'enterprise', 'development')),
    entitlement TEXT NOT NULL,
    organisation_id TEXT,
    min_os_version TEXT NOT NULL,
    signature TEXT NOT NULL,
    signature_key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (release_id, filename),
    UNIQUE (release_id, platform, format)
);
CREATE INDEX packages_by_digest ON packages (sha256);

CREATE TABLE package_requires (
    package_id TEXT NOT NULL REFERENCES packages (id),
    product_id TEXT NOT NULL REFERENCES products (id),
    version_range TEXT NOT NULL,
    PRIMARY KEY (package_id, product_id)
);
CREATE INDEX package_requires_by_product ON package_requires (product_id);

-- Uploads in progress (tus); the bytes lie in the data directory under the id.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    length BIGINT NOT NULL,
    filename TEXT NOT NULL,
    sha256_expected TEXT NOT NULL,
    -- Set when all bytes have arrived and were verified.
    sha256 TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
CREATE INDEX uploads_by_digest ON uploads (sha256);

-- Accounts -------------------------------------------------------------------------------------

CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    -- Lower case: one account per address whatever its case.
    email_key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    organisation_id TEXT REFERENCES organisations (id),
    password_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);

-- A sign-in (or a device's activation): holds a family of refresh tokens.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    device_id TEXT,
    client_id TEXT NOT NULL,
    ip_prefix TEXT NOT NULL,
    generation BIGINT NOT NULL,
    -- SHA-256 of the refresh token of this generation, and of the one before.
    token_hash {blob} NOT NULL,
    previous_hash {blob},
    rotated_at BIGINT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE UNIQUE INDEX sessions_by_token ON sessions (token_hash);
CREATE INDEX sessions_by_previous ON sessions (previous_hash);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash {blob} NOT NULL,
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT
);

-- Licences -------------------------------------------------------------------------------------

CREATE TABLE licences (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    product_id TEXT NOT NULL REFERENCES products (id),
    organisation_id TEXT REFERENCES organisations (id),
    -- SHA-256 of the licence key; the key itself is shown once.
    key_hash {blob} NOT NULL UNIQUE,
    key_hint TEXT NOT NULL,
    plan TEXT NOT NULL,
    -- Space-separated codes.
    entitlements TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    max_devices BIGINT NOT NULL,
    starts_at BIGINT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX licences_by_account ON licences (account_id);

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    licence_id TEXT NOT NULL REFERENCES licences (id),
    fingerprint_hash {blob} NOT NULL,
    name TEXT NOT NULL,
    os TEXT NOT NULL,
    arch TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    UNIQUE (licence_id, fingerprint_hash)
);

-- Downloads and events -------------------------------------------------------------------------

CREATE TABLE downloads (
    id TEXT PRIMARY KEY,
    package_id TEXT,
    release_id TEXT NOT NULL,
    account_id TEXT,
    device_id TEXT,
    licence_id TEXT,
    -- The token's jti is the id, a dot and this number.
    renewals BIGINT NOT NULL,
    filename TEXT NOT NULL,
    size BIGINT NOT NULL,
    -- Not IN: SQLite builds a temporary table of such a list for each statement that writes a row.
    state TEXT NOT NULL CHECK (state = 'granted' OR state = 'started' OR state = 'transferred'
        OR state = 'completed' OR state = 'failed'),
    granted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    first_byte_at BIGINT,
    last_byte_at BIGINT,
    requests BIGINT NOT NULL,
    -- Union of the ranges, as "a-b,c-d" with inclusive ends, for each file of a release with its name
    -- in front; bytes is its size.
    ranges TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    bytes_sent BIGINT NOT NULL,
    country TEXT NOT NULL,
    referrer TEXT NOT NULL,
    client_os TEXT NOT NULL,
    client_device TEXT NOT NULL,
    client_version TEXT NOT NULL,
    -- What the client reported: canonical JSON of the report, to tell a repetition from a conflict.
    report TEXT NOT NULL,
    reported_at BIGINT,
    duration_ms BIGINT,
    error TEXT NOT NULL
);
-- No index beside the primary key, as each grant would pay for it: ids are in the order of time.

-- How far each node's event log has been taken in: moved in the transaction that stores the events.
-- One row for each file there ever was; they are few and are kept, so that no file counts twice.
CREATE TABLE event_cursors (
    id BIGINT PRIMARY KEY,
    edge TEXT NOT NULL,
    generation TEXT NOT NULL,
    position BIGINT NOT NULL,
    torn BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (edge, generation)
);

-- Raw events as the data plane wrote them. The id is the cursor's id times 2^40 plus the offset of
-- the line in its file: unique, ascending, and no index beside it is needed.
CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    download_id TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at);

-- Update checks that were counted (at most one per client and day), per UTC day since 1970.
CREATE TABLE update_checks (
    day BIGINT NOT NULL,
    product TEXT NOT NULL,
    platform TEXT NOT NULL,
    -- A version of the catalogue, or 'other': what clients claim must not fill the table.
    installed TEXT NOT NULL,
    offered TEXT NOT NULL,
    checks BIGINT NOT NULL,
    PRIMARY KEY (day, product, platform, installed, offered)
);

-- Reports of update clients (updates/report): what became of a release on a device.
CREATE TABLE update_reports (
    id TEXT PRIMARY KEY,
    release_id TEXT NOT NULL,
    device TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('downloaded', 'installed', 'alive', 'failed', 'rolled_back')),
    error TEXT NOT NULL,
    at BIGINT NOT NULL,
    UNIQUE (release_id, device, stage)
);

-- Published state ------------------------------------------------------------------------------

-- Signing keys of tokens; private parts lie in files, never here.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'device', 'download', 'feed')),
    public_key {blob} NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- The change feed: latest value per key of the published state. Keys and values are bytes.
CREATE TABLE changes (
    key {blob} PRIMARY KEY,
    seq BIGINT NOT NULL,
    value {blob},
    deleted BIGINT NOT NULL,
    -- Tombstones and revocations are dropped after this time; NULL: never.
    expires_at BIGINT
);
CREATE UNIQUE INDEX changes_by_seq ON changes (seq, key);

-- One row. Raised by each transaction that changes the feed, as its last statement.
CREATE TABLE change_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    incarnation BIGINT NOT NULL,
    horizon BIGINT NOT NULL
);
INSERT INTO change_head (one, seq, incarnation, horizon) VALUES (1, 0, 1, 0);

-- What was done, by whom: append-only.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    ip_prefix TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
