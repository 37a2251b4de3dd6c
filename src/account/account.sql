-- Accounts ---------------------------------------------------------------------------------------

-- name: account_insert_sql
INSERT INTO accounts (id, email, email_key, role, organisation_id, password_hash, state, epoch,
    created_at, last_login_at)
VALUES ($1, $2, $3, $4, $5, $6, 'active', 1, $7, NULL);

-- name: account_select
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at
FROM accounts WHERE id = $1;

-- name: account_select_by_email
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at
FROM accounts WHERE email_key = $1;

-- name: account_list_sql
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at
FROM accounts WHERE id > $1 ORDER BY id LIMIT $2;

-- name: account_update_sql
UPDATE accounts SET email = $1, email_key = $2, role = $3, organisation_id = $4, state = $5
WHERE id = $6;

-- name: account_set_password_sql
UPDATE accounts SET password_hash = $1 WHERE id = $2;

-- name: account_set_login_sql
UPDATE accounts SET last_login_at = $1 WHERE id = $2;

-- name: account_raise_epoch
UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch;

-- name: account_count_admins
SELECT COUNT(*) FROM accounts WHERE role = 'admin' AND state = 'active' AND id <> $1;

-- name: account_entitlements_sql
-- The codes of all licences of an account that are valid now.
SELECT entitlements FROM licences
WHERE account_id = $1 AND state = 'active' AND (starts_at IS NULL OR starts_at <= $2)
    AND (expires_at IS NULL OR expires_at > $2)
ORDER BY id LIMIT 64;

-- name: account_raise_device_epochs
UPDATE devices SET epoch = epoch + 1
WHERE licence_id IN (SELECT id FROM licences WHERE account_id = $1)
RETURNING id, epoch;

-- Organisations ----------------------------------------------------------------------------------

-- name: organisation_insert_sql
INSERT INTO organisations (id, name, created_at) VALUES ($1, $2, $3);

-- name: organisation_select
SELECT id, name, created_at FROM organisations WHERE id = $1;

-- name: organisation_select_by_name
SELECT id, name, created_at FROM organisations WHERE name = $1;

-- name: organisation_list_sql
SELECT id, name, created_at FROM organisations WHERE id > $1 ORDER BY id LIMIT $2;

-- Sessions ---------------------------------------------------------------------------------------

-- name: session_insert_sql
INSERT INTO sessions (id, account_id, device_id, client_id, ip_prefix, generation, token_hash,
    previous_hash, rotated_at, created_at, last_used_at, expires_at, ended_at, end_reason)
VALUES ($1, $2, $3, $4, $5, 1, $6, NULL, NULL, $7, $7, $8, NULL, '');

-- name: session_select
SELECT id, account_id, device_id, client_id, ip_prefix, generation, token_hash, rotated_at,
    created_at, last_used_at, expires_at, ended_at, end_reason
FROM sessions WHERE id = $1;

-- name: session_rotate_sql
-- The one statement that decides which of several simultaneous refreshes is the first.
UPDATE sessions SET generation = generation + 1, previous_hash = token_hash, token_hash = $1,
    rotated_at = $2, last_used_at = $2
WHERE id = $3 AND generation = $4 AND token_hash = $5 AND ended_at IS NULL AND expires_at > $2
    AND last_used_at > $6;

-- name: session_end_sql
UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL;

-- name: session_end_of_account_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE account_id = $3 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_end_of_device_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE device_id = $3 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_device
-- What the tokens of a device's session need to know of it.
SELECT d.state, d.epoch, d.licence_id, l.entitlements, l.organisation_id, l.state, l.starts_at,
    l.expires_at
FROM devices d JOIN licences l ON l.id = d.licence_id WHERE d.id = $1;

-- API keys ---------------------------------------------------------------------------------------

-- name: api_key_insert_sql
INSERT INTO api_keys (id, public_id, account_id, name, secret_hash, permissions, created_at,
    expires_at, revoked_at, last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL);

-- name: api_key_select_by_public_id
SELECT id, public_id, account_id, name, secret_hash, permissions, created_at, expires_at,
    revoked_at, last_used_at
FROM api_keys WHERE public_id = $1;

-- name: api_key_select
SELECT id, public_id, account_id, name, secret_hash, permissions, created_at, expires_at,
    revoked_at, last_used_at
FROM api_keys WHERE id = $1;

-- name: api_key_list_sql
SELECT id, public_id, account_id, name, secret_hash, permissions, created_at, expires_at,
    revoked_at, last_used_at
FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2;

-- name: api_key_revoke_sql
UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL;

-- name: api_key_set_used_sql
UPDATE api_keys SET last_used_at = $1 WHERE id = $2;
