-- Identity providers -----------------------------------------------------------------------------

-- name: provider_insert_sql
INSERT INTO identity_providers (id, name, title, kind, issuer, client_id, client_secret,
    client_auth, state, settings, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11);

-- name: provider_update_sql
UPDATE identity_providers SET name = $1, title = $2, client_id = $3, client_secret = $4,
    client_auth = $5, state = $6, settings = $7, updated_at = $8
WHERE id = $9;

-- name: provider_select
SELECT id, name, title, kind, issuer, client_id, client_secret, client_auth, state, settings,
    created_at, updated_at
FROM identity_providers WHERE id = $1 OR name = $1;

-- name: provider_list_sql
SELECT id, name, title, kind, issuer, client_id, client_secret, client_auth, state, settings,
    created_at, updated_at
FROM identity_providers ORDER BY name LIMIT $1;

-- name: provider_delete_identities
DELETE FROM identities WHERE provider_id = $1;

-- name: provider_delete_logout_tokens
DELETE FROM logout_tokens WHERE provider_id = $1;

-- name: provider_delete_sql
DELETE FROM identity_providers WHERE id = $1;

-- name: logout_token_insert
-- Nothing is inserted when the token was noted before.
INSERT INTO logout_tokens (provider_id, jti, expires_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: logout_token_expire_sql
DELETE FROM logout_tokens WHERE expires_at <= $1;

-- name: id_token_insert
INSERT INTO session_id_tokens (session_id, id_token) VALUES ($1, $2);

-- name: id_token_select
SELECT id_token FROM session_id_tokens WHERE session_id = $1;

-- name: id_token_expire_sql
DELETE FROM session_id_tokens WHERE session_id IN (
    SELECT id FROM sessions WHERE ended_at IS NOT NULL OR expires_at <= $1);

-- Identities -------------------------------------------------------------------------------------

-- name: identity_insert_sql
INSERT INTO identities (id, provider_id, subject, account_id, email, managed, created_at,
    last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: identity_select
SELECT i.id, i.provider_id, i.subject, i.account_id, i.email, i.managed, i.created_at,
    i.last_used_at, p.name, p.title
FROM identities i JOIN identity_providers p ON p.id = i.provider_id
WHERE i.provider_id = $1 AND i.subject = $2;

-- name: identity_list_sql
SELECT i.id, i.provider_id, i.subject, i.account_id, i.email, i.managed, i.created_at,
    i.last_used_at, p.name, p.title
FROM identities i JOIN identity_providers p ON p.id = i.provider_id
WHERE i.account_id = $1 ORDER BY i.id LIMIT $2;

-- name: identity_used_sql
UPDATE identities SET email = $1, last_used_at = $2 WHERE id = $3;

-- name: identity_delete_sql
DELETE FROM identities WHERE id = $1 AND account_id = $2;

-- name: identity_delete_of_account_sql
DELETE FROM identities WHERE account_id = $1;

-- Workload identities ----------------------------------------------------------------------------

-- name: workload_insert_sql
INSERT INTO workload_identities (id, name, issuer, audience, conditions, permissions, lifetime_s,
    epoch, state, account_id, created_by, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $11);

-- name: workload_update_sql
UPDATE workload_identities SET name = $1, audience = $2, conditions = $3, permissions = $4,
    lifetime_s = $5, epoch = $6, state = $7, account_id = $8, updated_at = $9
WHERE id = $10;

-- name: workload_delete_sql
DELETE FROM workload_identities WHERE id = $1;

-- name: workload_select
SELECT w.id, w.name, w.issuer, w.audience, w.conditions, w.permissions, w.account_id,
    COALESCE(a.email, ''), w.created_by, w.lifetime_s, w.epoch, w.state, w.created_at,
    w.updated_at, COALESCE(w.last_used_at, 0)
FROM workload_identities w LEFT JOIN accounts a ON a.id = w.account_id
WHERE w.id = $1 OR w.name = $1;

-- name: workload_list_sql
SELECT w.id, w.name, w.issuer, w.audience, w.conditions, w.permissions, w.account_id,
    COALESCE(a.email, ''), w.created_by, w.lifetime_s, w.epoch, w.state, w.created_at,
    w.updated_at, COALESCE(w.last_used_at, 0)
FROM workload_identities w LEFT JOIN accounts a ON a.id = w.account_id
ORDER BY w.name LIMIT $1;

-- name: workload_list_of_issuer_sql
SELECT w.id, w.name, w.issuer, w.audience, w.conditions, w.permissions, w.account_id,
    COALESCE(a.email, ''), w.created_by, w.lifetime_s, w.epoch, w.state, w.created_at,
    w.updated_at, COALESCE(w.last_used_at, 0)
FROM workload_identities w LEFT JOIN accounts a ON a.id = w.account_id
WHERE w.issuer = $1 AND w.state = 'active' ORDER BY w.name LIMIT $2;

-- name: workload_raise_epochs_of_sql
UPDATE workload_identities SET epoch = epoch + 1 WHERE account_id = $1 RETURNING id, epoch;

-- name: workload_used_sql
UPDATE workload_identities SET last_used_at = $1 WHERE id = $2;

-- name: exchanged_token_insert
-- Nothing is inserted when the token was exchanged before.
INSERT INTO exchanged_tokens (token_hash, jti, identity_id, claims, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: exchanged_token_select
SELECT jti, identity_id, claims, expires_at FROM exchanged_tokens WHERE jti = $1;

-- name: exchanged_token_expire_sql
DELETE FROM exchanged_tokens WHERE expires_at <= $1;
