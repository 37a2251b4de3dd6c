-- Licences -------------------------------------------------------------------------------------

-- name: licence_add
INSERT INTO licences (id, account_id, product_id, organisation_id, key_hash, key_hint, plan,
    entitlements, state, max_devices, starts_at, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $11, $12);

-- name: licence_find
SELECT l.id, l.account_id, l.product_id, l.organisation_id, l.key_hint, l.plan, l.entitlements, l.state,
    l.max_devices, l.starts_at, l.expires_at, l.created_at,
    (SELECT COUNT(*) FROM devices d WHERE d.licence_id = l.id AND d.state = 'active')
FROM licences l WHERE l.id = $1;

-- name: licence_find_by_key
SELECT l.id, l.account_id, l.product_id, l.organisation_id, l.key_hint, l.plan, l.entitlements, l.state,
    l.max_devices, l.starts_at, l.expires_at, l.created_at,
    (SELECT COUNT(*) FROM devices d WHERE d.licence_id = l.id AND d.state = 'active')
FROM licences l WHERE l.key_hash = $1;

-- name: licence_list
SELECT l.id, l.account_id, l.product_id, l.organisation_id, l.key_hint, l.plan, l.entitlements, l.state,
    l.max_devices, l.starts_at, l.expires_at, l.created_at,
    (SELECT COUNT(*) FROM devices d WHERE d.licence_id = l.id AND d.state = 'active')
FROM licences l
WHERE l.id > $1 AND ($2 = '' OR l.account_id = $2) AND ($3 = '' OR l.product_id = $3)
    AND ($4 = '' OR l.organisation_id = $4)
ORDER BY l.id LIMIT $5;

-- Those of an account for a product: the usable ones first, the longest first.
-- name: licence_list_for
SELECT l.id, l.account_id, l.product_id, l.organisation_id, l.key_hint, l.plan, l.entitlements, l.state,
    l.max_devices, l.starts_at, l.expires_at, l.created_at, 0
FROM licences l WHERE l.account_id = $1 AND l.product_id = $2
ORDER BY l.state, CASE WHEN l.expires_at IS NULL THEN 0 ELSE 1 END, l.expires_at DESC, l.id;

-- name: licence_save
UPDATE licences SET plan = $1, entitlements = $2, state = $3, max_devices = $4, starts_at = $5,
    expires_at = $6, organisation_id = $7
WHERE id = $8;

-- Of an account, those that have not ended yet.
-- name: licence_count_running
SELECT COUNT(*) FROM licences WHERE account_id = $1 AND (expires_at IS NULL OR expires_at > $2);

-- name: licence_delete_devices_of
DELETE FROM devices WHERE licence_id IN (SELECT id FROM licences WHERE account_id = $1);

-- name: licence_delete_of
DELETE FROM licences WHERE account_id = $1;

-- Devices --------------------------------------------------------------------------------------

-- name: device_find
SELECT d.id, d.licence_id, d.name, d.os, d.arch, d.state, d.epoch, d.created_at, d.last_seen_at,
    l.account_id, a.email, p.name
FROM devices d JOIN licences l ON l.id = d.licence_id JOIN accounts a ON a.id = l.account_id
    JOIN products p ON p.id = l.product_id
WHERE d.id = $1;

-- name: device_find_by_fingerprint
SELECT id, licence_id, name, os, arch, state, epoch, created_at, last_seen_at, '', '', ''
FROM devices WHERE licence_id = $1 AND fingerprint_hash = $2;

-- name: device_list
SELECT d.id, d.licence_id, d.name, d.os, d.arch, d.state, d.epoch, d.created_at, d.last_seen_at,
    l.account_id, a.email, p.name
FROM devices d JOIN licences l ON l.id = d.licence_id JOIN accounts a ON a.id = l.account_id
    JOIN products p ON p.id = l.product_id
WHERE d.id > $1 AND ($2 = '' OR d.licence_id = $2) AND ($3 = '' OR l.account_id = $3)
ORDER BY d.id LIMIT $4;

-- name: device_add
INSERT INTO devices (id, licence_id, fingerprint_hash, name, os, arch, state, epoch, created_at,
    last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, 'active', 1, $7, $7);

-- name: device_save
UPDATE devices SET name = $1, os = $2, arch = $3, state = $4, last_seen_at = $5 WHERE id = $6;

-- name: device_raise_epoch
UPDATE devices SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch;

-- name: device_raise_epochs_of
UPDATE devices SET epoch = epoch + 1 WHERE licence_id = $1 RETURNING id, epoch;
