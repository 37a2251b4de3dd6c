-- Accounts ---------------------------------------------------------------------------------------

-- name: account_insert_sql
INSERT INTO accounts (id, email, email_key, role, organisation_id, password_hash, state, epoch,
    created_at, last_login_at, factor_required, verified_at)
VALUES ($1, $2, $3, $4, $5, $6, 'active', 1, $7, NULL, $8, $9);

-- name: account_select
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at,
    factor_required, (SELECT COUNT(*) FROM factors f
        WHERE f.account_id = accounts.id AND f.state = 'active'),
    (SELECT r.permissions FROM roles r WHERE r.name = accounts.role),
    (SELECT r.max_sessions FROM roles r WHERE r.name = accounts.role), verified_at,
    (SELECT o.name FROM organisations o WHERE o.id = accounts.organisation_id)
FROM accounts WHERE id = $1;

-- name: account_select_by_email
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at,
    factor_required, (SELECT COUNT(*) FROM factors f
        WHERE f.account_id = accounts.id AND f.state = 'active'),
    (SELECT r.permissions FROM roles r WHERE r.name = accounts.role),
    (SELECT r.max_sessions FROM roles r WHERE r.name = accounts.role), verified_at,
    (SELECT o.name FROM organisations o WHERE o.id = accounts.organisation_id)
FROM accounts WHERE email_key = $1;

-- name: account_list_sql
SELECT id, email, role, organisation_id, password_hash, state, epoch, created_at, last_login_at,
    factor_required, (SELECT COUNT(*) FROM factors f
        WHERE f.account_id = accounts.id AND f.state = 'active'),
    (SELECT r.permissions FROM roles r WHERE r.name = accounts.role),
    (SELECT r.max_sessions FROM roles r WHERE r.name = accounts.role), verified_at,
    (SELECT o.name FROM organisations o WHERE o.id = accounts.organisation_id)
FROM accounts WHERE id > $1 AND ($2 = '' OR organisation_id = $2) ORDER BY id LIMIT $3;

-- name: account_update_sql
-- That a factor is required was read before: what another transaction raised since then stays.
UPDATE accounts SET email = $1, email_key = $2, role = $3, organisation_id = $4, state = $5,
    verified_at = $6,
    factor_required = CASE WHEN factor_required = 0 THEN $7 ELSE factor_required END
WHERE id = $8;

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

-- What is an account's own, in the order in which it can be deleted.

-- name: account_delete_sessions
DELETE FROM sessions WHERE account_id = $1;

-- name: account_delete_keys
DELETE FROM api_keys WHERE account_id = $1;

-- name: account_delete_tickets
DELETE FROM tickets WHERE account_id = $1;

-- name: account_delete_places
DELETE FROM known_places WHERE account_id = $1;

-- name: account_delete_row
DELETE FROM accounts WHERE id = $1;

-- Roles ------------------------------------------------------------------------------------------

-- name: role_insert_sql
INSERT INTO roles (name, title, permissions, max_sessions, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: role_select
SELECT name, title, permissions, max_sessions, created_at,
    (SELECT COUNT(*) FROM accounts a WHERE a.role = roles.name)
FROM roles WHERE name = $1;

-- name: role_list_sql
SELECT name, title, permissions, max_sessions, created_at,
    (SELECT COUNT(*) FROM accounts a WHERE a.role = roles.name)
FROM roles ORDER BY name LIMIT 1000;

-- name: role_update_sql
UPDATE roles SET title = $1, permissions = $2, max_sessions = $3 WHERE name = $4;

-- name: role_delete_sql
DELETE FROM roles WHERE name = $1;

-- name: role_require_factor_sql
-- Of who has no password the identity provider proves who they are.
UPDATE accounts SET factor_required = 1
WHERE role = $1 AND password_hash <> '' AND factor_required = 0;

-- name: role_holders
SELECT id FROM accounts WHERE role = $1 AND id > $2 ORDER BY id LIMIT $3;

-- Organisations ----------------------------------------------------------------------------------

-- name: organisation_insert_sql
INSERT INTO organisations (id, name, created_at) VALUES ($1, $2, $3);

-- name: organisation_select
SELECT id, name, created_at FROM organisations WHERE id = $1;

-- name: organisation_select_by_name
SELECT id, name, created_at FROM organisations WHERE name = $1;

-- name: organisation_list_sql
SELECT id, name, created_at FROM organisations WHERE id > $1 ORDER BY id LIMIT $2;

-- name: organisation_rename_sql
UPDATE organisations SET name = $1 WHERE id = $2;

-- name: organisation_count_sql
SELECT (SELECT COUNT(*) FROM accounts WHERE organisation_id = $1)
    + (SELECT COUNT(*) FROM invitations WHERE organisation_id = $1)
    + (SELECT COUNT(*) FROM licences WHERE organisation_id = $1)
    + (SELECT COUNT(*) FROM packages WHERE organisation_id = $1);

-- name: organisation_delete_sql
DELETE FROM organisations WHERE id = $1;

-- Invitations ------------------------------------------------------------------------------------

-- name: invitation_insert_sql
INSERT INTO invitations (id, email, email_key, role, organisation_id, invited_by, created_at,
    expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: invitation_select
SELECT id, email, role, organisation_id, invited_by, created_at, expires_at,
    (SELECT o.name FROM organisations o WHERE o.id = invitations.organisation_id),
    (SELECT a.email FROM accounts a WHERE a.id = invitations.invited_by)
FROM invitations WHERE id = $1;

-- name: invitation_select_by_email
SELECT id, email, role, organisation_id, invited_by, created_at, expires_at,
    (SELECT o.name FROM organisations o WHERE o.id = invitations.organisation_id),
    (SELECT a.email FROM accounts a WHERE a.id = invitations.invited_by)
FROM invitations WHERE email_key = $1;

-- name: invitation_list_sql
SELECT id, email, role, organisation_id, invited_by, created_at, expires_at,
    (SELECT o.name FROM organisations o WHERE o.id = invitations.organisation_id),
    (SELECT a.email FROM accounts a WHERE a.id = invitations.invited_by)
FROM invitations WHERE id > $1 AND expires_at > $2 AND ($3 = '' OR organisation_id = $3)
ORDER BY id LIMIT $4;

-- name: invitation_delete_sql
DELETE FROM invitations WHERE id = $1;

-- name: invitation_delete_of_email
DELETE FROM invitations WHERE email_key = $1 RETURNING id;

-- name: invitation_expire_sql
DELETE FROM invitations WHERE expires_at <= $1;

-- Known places -----------------------------------------------------------------------------------

-- name: known_places_count
SELECT COUNT(*) FROM known_places WHERE account_id = $1;

-- name: known_place_touch
UPDATE known_places SET last_seen_at = $1 WHERE account_id = $2 AND place_hash = $3;

-- name: known_place_insert
INSERT INTO known_places (account_id, place_hash, last_seen_at) VALUES ($1, $2, $3);

-- name: known_places_trim
-- Those seen longest ago, beyond the newest so many.
DELETE FROM known_places WHERE account_id = $1 AND place_hash IN (
    SELECT place_hash FROM known_places WHERE account_id = $1
    ORDER BY last_seen_at DESC, place_hash LIMIT 1000 OFFSET $2);

-- Sessions ---------------------------------------------------------------------------------------

-- name: session_insert_sql
INSERT INTO sessions (id, account_id, device_id, client_id, ip_prefix, generation, token_hash,
    previous_hash, rotated_at, created_at, last_used_at, expires_at, ended_at, end_reason,
    transport, methods, authenticated_at, user_agent, provider_id, provider_session, scope)
VALUES ($1, $2, $3, $4, $5, 1, $6, NULL, NULL, $7, $7, $8, NULL, '', $9, $10, $7, $11, $12, $13,
    $14);

-- name: session_select
SELECT id, account_id, device_id, client_id, ip_prefix, generation, token_hash, rotated_at,
    created_at, last_used_at, expires_at, ended_at, end_reason, transport, methods,
    authenticated_at, user_agent, provider_id, provider_session, scope, previous_hash
FROM sessions WHERE id = $1;

-- name: session_list_living
-- What an account can still use, newest first: neither ended nor expired nor idle for too long.
SELECT id, account_id, device_id, client_id, ip_prefix, generation, token_hash, rotated_at,
    created_at, last_used_at, expires_at, ended_at, end_reason, transport, methods,
    authenticated_at, user_agent, provider_id, provider_session, scope, previous_hash
FROM sessions
WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2
    AND (transport = 'cookie' AND last_used_at > $3 OR transport = 'token' AND last_used_at > $4)
    AND ($5 = '' OR id < $5)
ORDER BY id DESC LIMIT $6;

-- name: session_list_beyond
-- Sessions of people (not of devices) beyond the newest so many.
SELECT id FROM sessions
WHERE account_id = $1 AND device_id IS NULL AND ended_at IS NULL AND expires_at > $2
ORDER BY id DESC LIMIT 1000 OFFSET $3;

-- name: session_touch_sql
UPDATE sessions SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1;

-- name: session_set_proof_sql
UPDATE sessions SET methods = $1, authenticated_at = $2 WHERE id = $3 AND ended_at IS NULL;

-- name: session_change_cookie_sql
UPDATE sessions SET previous_hash = token_hash, token_hash = $1, rotated_at = $2
WHERE id = $3 AND transport = 'cookie' AND ended_at IS NULL;

-- name: session_rotate_sql
-- The one statement that decides which of several simultaneous refreshes is the first.
UPDATE sessions SET generation = generation + 1, previous_hash = token_hash, token_hash = $1,
    rotated_at = $2, last_used_at = $2
WHERE id = $3 AND generation = $4 AND token_hash = $5 AND ended_at IS NULL AND expires_at > $2
    AND last_used_at > $6;

-- name: session_end_sql
UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL;

-- name: session_raise_device_epoch
-- A session of a device ends with the device's own token.
UPDATE devices SET epoch = epoch + 1 WHERE id = (SELECT device_id FROM sessions WHERE id = $1)
RETURNING id, epoch;

-- name: session_end_others_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE account_id = $3 AND id <> $4 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_end_of_account_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE account_id = $3 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_end_of_device_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE device_id = $3 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_end_of_provider_sql
-- Sessions of a provider's own session, or ($4 empty) all that an account opened through it.
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE provider_id = $3 AND ended_at IS NULL AND expires_at > $1
    AND (provider_session = $4 OR ($4 = '' AND account_id = $5))
RETURNING id;

-- name: session_end_through_sql
UPDATE sessions SET ended_at = $1, end_reason = $2
WHERE provider_id = $3 AND ended_at IS NULL AND expires_at > $1
RETURNING id;

-- name: session_delete_over_sql
-- At most $2 of those that were over before $1.
DELETE FROM sessions WHERE id IN (
    SELECT id FROM (
        SELECT id FROM sessions WHERE expires_at < $1
        UNION SELECT id FROM sessions WHERE ended_at IS NOT NULL AND ended_at < $1) AS gone
    LIMIT $2);

-- name: session_device
-- What the tokens of a device's session need to know of it.
SELECT d.state, d.epoch, d.licence_id, l.entitlements, l.organisation_id, l.state, l.starts_at,
    l.expires_at, l.product_id
FROM devices d JOIN licences l ON l.id = d.licence_id WHERE d.id = $1;

-- Factors ----------------------------------------------------------------------------------------

-- name: factor_insert_sql
INSERT INTO factors (id, account_id, kind, name, state, secret, credential_id, counter, created_at,
    last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL);

-- name: factor_list_sql
SELECT id, account_id, kind, name, state, secret, credential_id, counter, created_at, last_used_at
FROM factors WHERE account_id = $1 ORDER BY id LIMIT $2;

-- name: factor_by_credential
SELECT id, account_id, kind, name, state, secret, credential_id, counter, created_at, last_used_at
FROM factors WHERE credential_id = $1 AND state = 'active';

-- name: factor_activate_sql
UPDATE factors SET state = 'active' WHERE id = $1;

-- name: factor_use_sql
-- A time step or a signature counter only ever rises; authenticators that do not count say 0.
UPDATE factors SET counter = $1, last_used_at = $2
WHERE id = $3 AND (counter < $1 OR kind = 'passkey' AND counter = 0 AND $1 = 0);

-- name: factor_delete_sql
DELETE FROM factors WHERE account_id = $1 AND id = $2 AND kind = $3;

-- name: factor_delete_pending_sql
DELETE FROM factors WHERE account_id = $1 AND kind = $2 AND state = 'pending';

-- name: factor_delete_all_sql
DELETE FROM factors WHERE account_id = $1;

-- name: recovery_codes_delete
DELETE FROM recovery_codes WHERE account_id = $1;

-- name: recovery_code_insert
INSERT INTO recovery_codes (account_id, code_hash) VALUES ($1, $2);

-- name: recovery_code_delete
DELETE FROM recovery_codes WHERE account_id = $1 AND code_hash = $2;

-- name: recovery_codes_count_sql
SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1;

-- Tickets ----------------------------------------------------------------------------------------

-- name: ticket_insert
INSERT INTO tickets (token_hash, purpose, account_id, data, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: ticket_select
SELECT account_id, data, expires_at FROM tickets
WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3;

-- name: ticket_take
DELETE FROM tickets WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
RETURNING account_id, data, expires_at;

-- name: ticket_set_data_sql
UPDATE tickets SET data = $1 WHERE token_hash = $2 AND purpose = $3;

-- name: ticket_withdraw_sql
DELETE FROM tickets WHERE account_id = $1 AND purpose = $2;

-- name: ticket_withdraw_but_sql
DELETE FROM tickets WHERE account_id = $1 AND purpose = $2 AND data <> $3;

-- name: ticket_expire_sql
DELETE FROM tickets WHERE expires_at <= $1;

-- Device codes -----------------------------------------------------------------------------------

-- name: device_code_insert_sql
INSERT INTO device_codes (device_code_hash, user_code_hash, client_id, scope, ip_prefix, country,
    state, account_id, session_id, interval_s, polled_at, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, 'pending', NULL, NULL, $7, $8, $8, $9);

-- name: device_code_select
SELECT client_id, scope, ip_prefix, country, state, account_id, session_id, interval_s, polled_at,
    created_at, expires_at
FROM device_codes WHERE device_code_hash = $1;

-- name: device_code_select_by_user_code
SELECT client_id, scope, ip_prefix, country, state, account_id, session_id, interval_s, polled_at,
    created_at, expires_at
FROM device_codes WHERE user_code_hash = $1 AND state = 'pending' AND expires_at > $2;

-- name: device_code_decide_sql
UPDATE device_codes SET state = $1, account_id = $2, session_id = $3
WHERE user_code_hash = $4 AND state = 'pending' AND expires_at > $5;

-- name: device_code_poll_sql
UPDATE device_codes SET polled_at = $1, interval_s = $2 WHERE device_code_hash = $3;

-- name: device_code_delete_sql
DELETE FROM device_codes WHERE device_code_hash = $1;

-- name: device_code_expire_sql
DELETE FROM device_codes WHERE expires_at <= $1;

-- API keys ---------------------------------------------------------------------------------------

-- name: api_key_insert_sql
INSERT INTO api_keys (id, public_id, account_id, name, secret_hash, permissions, created_at,
    expires_at, revoked_at, last_used_at, addresses, parent_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL, $9, $10);

-- name: api_key_select_by_public_id
SELECT k.id, k.public_id, k.account_id, k.name, k.secret_hash, k.permissions, k.created_at, k.expires_at,
    k.revoked_at, k.last_used_at, k.addresses, k.previous_hash, k.previous_until, a.email,
    k.parent_id
FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.public_id = $1;

-- name: api_key_select
SELECT k.id, k.public_id, k.account_id, k.name, k.secret_hash, k.permissions, k.created_at, k.expires_at,
    k.revoked_at, k.last_used_at, k.addresses, k.previous_hash, k.previous_until, a.email,
    k.parent_id
FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.id = $1;

-- name: api_key_list_sql
SELECT k.id, k.public_id, k.account_id, k.name, k.secret_hash, k.permissions, k.created_at, k.expires_at,
    k.revoked_at, k.last_used_at, k.addresses, k.previous_hash, k.previous_until, a.email,
    k.parent_id
FROM api_keys k JOIN accounts a ON a.id = k.account_id
WHERE k.id > $1 AND ($2 = '' OR k.account_id = $2) ORDER BY k.id LIMIT $3;

-- name: api_key_count_living
SELECT COUNT(*) FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2;

-- name: api_key_revoke_sql
UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL;

-- name: api_key_revoke_of_account_sql
UPDATE api_keys SET revoked_at = $1 WHERE account_id = $2 AND revoked_at IS NULL;

-- name: api_key_revoke_made_sql
-- Those it has made, and those that they have made; not itself.
UPDATE api_keys SET revoked_at = $1
WHERE revoked_at IS NULL AND id IN (
    WITH RECURSIVE family (id) AS (
        SELECT k.id FROM api_keys k WHERE k.parent_id = $2
        UNION SELECT k.id FROM api_keys k JOIN family f ON k.parent_id = f.id)
    SELECT id FROM family);

-- name: api_key_rotate_sql
UPDATE api_keys SET previous_hash = secret_hash, previous_until = $1, secret_hash = $2,
    expires_at = $3
WHERE id = $4 AND secret_hash = $5 AND revoked_at IS NULL;

-- name: api_key_set_used_sql
UPDATE api_keys SET last_used_at = $1 WHERE id = $2;
