-- Products -------------------------------------------------------------------------------------

-- name: product_insert
INSERT INTO products (id, name, title, description, countries_denied, countries_allowed, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- By id or by name: a name has no '_', an id always has one.
-- name: product_find_row
SELECT id, name, title, description, countries_denied, countries_allowed, created_at
FROM products WHERE id = $1 OR name = $1;

-- name: product_page
SELECT id, name, title, description, countries_denied, countries_allowed, created_at
FROM products WHERE id > $1 ORDER BY id LIMIT $2;

-- name: product_save
UPDATE products SET title = $1, description = $2, countries_denied = $3, countries_allowed = $4
WHERE id = $5;

-- Products that packages of a product's releases need, withdrawn releases left out.
-- name: product_required_by
SELECT DISTINCT q.product_id FROM package_requires q
JOIN packages p ON p.id = q.package_id
JOIN releases r ON r.id = p.release_id
WHERE r.product_id = $1 AND r.state <> 'withdrawn' ORDER BY q.product_id;

-- name: publisher_key_insert
INSERT INTO publisher_keys (id, product_id, key_id, public_key, created_at)
VALUES ($1, $2, $3, $4, $5);

-- name: publisher_key_rows
SELECT id, product_id, key_id, public_key, created_at FROM publisher_keys
WHERE product_id = $1 ORDER BY id;

-- name: publisher_key_remove
DELETE FROM publisher_keys WHERE product_id = $1 AND id = $2;

-- Releases -------------------------------------------------------------------------------------

-- name: release_insert
INSERT INTO releases (id, product_id, version, precedence, sort_key, state, notes, critical,
    mandatory, min_from, eol_at, created_at, published_at, withdrawn_reason)
VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, NULL, '');

-- name: release_find_row
SELECT r.id, r.product_id, p.name, r.version, r.state, r.notes, r.critical, r.mandatory, r.min_from,
    r.eol_at, r.created_at, r.published_at, r.withdrawn_reason,
    (SELECT COALESCE(SUM(CASE c.channel WHEN 'stable' THEN 1 WHEN 'beta' THEN 2 ELSE 4 END), 0)
        FROM release_channels c WHERE c.release_id = r.id)
FROM releases r JOIN products p ON p.id = r.product_id WHERE r.id = $1;

-- name: release_find_version_row
SELECT r.id, r.product_id, p.name, r.version, r.state, r.notes, r.critical, r.mandatory, r.min_from,
    r.eol_at, r.created_at, r.published_at, r.withdrawn_reason,
    (SELECT COALESCE(SUM(CASE c.channel WHEN 'stable' THEN 1 WHEN 'beta' THEN 2 ELSE 4 END), 0)
        FROM release_channels c WHERE c.release_id = r.id)
FROM releases r JOIN products p ON p.id = r.product_id
WHERE r.product_id = $1 AND r.precedence = $2;

-- name: release_page
SELECT r.id, r.product_id, p.name, r.version, r.state, r.notes, r.critical, r.mandatory, r.min_from,
    r.eol_at, r.created_at, r.published_at, r.withdrawn_reason,
    (SELECT COALESCE(SUM(CASE c.channel WHEN 'stable' THEN 1 WHEN 'beta' THEN 2 ELSE 4 END), 0)
        FROM release_channels c WHERE c.release_id = r.id)
FROM releases r JOIN products p ON p.id = r.product_id
WHERE r.id > $1 AND ($2 = '' OR r.product_id = $2) AND ($3 = '' OR r.state = $3)
    AND ($4 = '' OR r.precedence = $4)
ORDER BY r.id LIMIT $5;

-- Those a subscriber of channel 0 (stable), 1 (beta) or 2 (dev) sees, newest version first. Drafts
-- and paused ones only when $4 is 1. $5: a precedence, or empty.
-- name: release_visible_page
SELECT r.id, r.product_id, p.name, r.version, r.state, r.notes, r.critical, r.mandatory, r.min_from,
    r.eol_at, r.created_at, r.published_at, r.withdrawn_reason,
    (SELECT COALESCE(SUM(CASE c.channel WHEN 'stable' THEN 1 WHEN 'beta' THEN 2 ELSE 4 END), 0)
        FROM release_channels c WHERE c.release_id = r.id)
FROM releases r JOIN products p ON p.id = r.product_id
WHERE r.product_id = $1
    AND ($2 = '' OR r.sort_key < (SELECT s.sort_key FROM releases s WHERE s.id = $2))
    AND EXISTS (SELECT 1 FROM release_channels c WHERE c.release_id = r.id
        AND (c.channel = 'stable' OR $3 >= 2 OR (c.channel = 'beta' AND $3 >= 1)))
    AND (r.state = 'published' OR ($4 = 1 AND r.state <> 'withdrawn'))
    AND ($5 = '' OR r.precedence = $5)
ORDER BY r.sort_key DESC LIMIT $6;

-- name: release_save
UPDATE releases SET notes = $1, critical = $2, mandatory = $3, min_from = $4, eol_at = $5
WHERE id = $6;

-- name: release_set_state
UPDATE releases SET state = $1, published_at = COALESCE(published_at, $2), withdrawn_reason = $3
WHERE id = $4 AND state = $5;

-- name: release_channel_add
INSERT INTO release_channels (release_id, channel, added_at) VALUES ($1, $2, $3)
ON CONFLICT (release_id, channel) DO NOTHING;

-- name: release_channel_remove
DELETE FROM release_channels WHERE release_id = $1 AND channel = $2;

-- A draft with everything in it, children first.
-- name: release_remove_requires
DELETE FROM package_requires
WHERE package_id IN (SELECT p.id FROM packages p WHERE p.release_id = $1);

-- name: release_remove_packages
DELETE FROM packages WHERE release_id = $1;

-- name: release_remove_channels
DELETE FROM release_channels WHERE release_id = $1;

-- name: release_remove_draft
DELETE FROM releases WHERE id = $1 AND state = 'draft';

-- Releases whose records stand in the published state.
-- name: release_live_ids
SELECT id FROM releases WHERE product_id = $1 AND state IN ('published', 'paused') ORDER BY id;

-- name: release_live_with_digest
SELECT DISTINCT r.id FROM releases r JOIN packages p ON p.release_id = r.id
WHERE p.sha256 = $1 AND r.state IN ('published', 'paused') ORDER BY r.id;

-- Packages -------------------------------------------------------------------------------------

-- name: package_insert
INSERT INTO packages (id, release_id, filename, platform, format, size, sha256, class, entitlement,
    organisation_id, min_os_version, signature, signature_key_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: package_find_row
SELECT p.id, p.release_id, p.filename, p.platform, p.format, p.size, p.sha256, p.class,
    p.entitlement, p.organisation_id, p.min_os_version, p.signature, p.signature_key_id,
    p.created_at, (SELECT MIN(b.reason) FROM blocked_digests b WHERE b.sha256 = p.sha256)
FROM packages p WHERE p.id = $1;

-- name: package_page
SELECT p.id, p.release_id, p.filename, p.platform, p.format, p.size, p.sha256, p.class,
    p.entitlement, p.organisation_id, p.min_os_version, p.signature, p.signature_key_id,
    p.created_at, (SELECT MIN(b.reason) FROM blocked_digests b WHERE b.sha256 = p.sha256)
FROM packages p WHERE p.id > $1 AND ($2 = '' OR p.release_id = $2) ORDER BY p.id LIMIT $3;

-- name: package_of_release
SELECT p.id, p.release_id, p.filename, p.platform, p.format, p.size, p.sha256, p.class,
    p.entitlement, p.organisation_id, p.min_os_version, p.signature, p.signature_key_id,
    p.created_at, (SELECT MIN(b.reason) FROM blocked_digests b WHERE b.sha256 = p.sha256)
FROM packages p WHERE p.release_id = $1 ORDER BY p.id;

-- name: package_sign
UPDATE packages SET signature = $1, signature_key_id = $2 WHERE id = $3;

-- name: package_remove
DELETE FROM packages WHERE id = $1;

-- name: package_require_insert
INSERT INTO package_requires (package_id, product_id, version_range) VALUES ($1, $2, $3);

-- name: package_require_remove
DELETE FROM package_requires WHERE package_id = $1;

-- name: package_require_rows
SELECT q.package_id, q.product_id, d.name, q.version_range
FROM package_requires q
JOIN packages p ON p.id = q.package_id
JOIN products d ON d.id = q.product_id
WHERE p.release_id = $1 ORDER BY q.package_id, d.name;

-- name: package_require_range
SELECT q.package_id, q.product_id, d.name, q.version_range
FROM package_requires q
JOIN products d ON d.id = q.product_id
WHERE q.package_id >= $1 AND q.package_id <= $2 ORDER BY q.package_id, d.name;

-- The organisation a package names, by id or name.
-- name: package_organisation
SELECT id FROM organisations WHERE id = $1 OR name = $1;

-- Blobs ----------------------------------------------------------------------------------------

-- Says that these bytes are about to be stored: they stay until a while after this. A row that is
-- being removed is left alone.
-- name: blob_claim
INSERT INTO blobs (sha256, size, state, format, detail, claimed_at, scrubbed_at)
VALUES ($1, $2, 'quarantined', '', '{}', $3, $3)
ON CONFLICT (sha256) DO UPDATE SET claimed_at = excluded.claimed_at
WHERE blobs.state <> 'removing';

-- name: blob_find_row
SELECT sha256, size, state, format, detail, claimed_at, scrubbed_at FROM blobs WHERE sha256 = $1;

-- name: blob_verify
UPDATE blobs SET state = 'verified', format = $1, detail = $2, scrubbed_at = $3 WHERE sha256 = $4
    AND state <> 'removing';

-- name: blob_set_state
UPDATE blobs SET state = $1 WHERE sha256 = $2;

-- name: blob_forget
DELETE FROM blobs WHERE sha256 = $1 AND state = 'removing';

-- What nobody holds and nobody has uploaded lately.
-- name: blob_orphans
SELECT b.sha256 FROM blobs b WHERE b.claimed_at < $1
    AND NOT EXISTS (SELECT 1 FROM packages p WHERE p.sha256 = b.sha256)
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.sha256 = b.sha256)
ORDER BY b.sha256 LIMIT 100;

-- The last word, in the transaction that starts the removal.
-- name: blob_begin_removal
UPDATE blobs SET state = 'removing' WHERE sha256 = $1 AND claimed_at < $2
    AND NOT EXISTS (SELECT 1 FROM packages p WHERE p.sha256 = blobs.sha256)
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.sha256 = blobs.sha256);

-- name: blob_in_state
SELECT sha256 FROM blobs WHERE state = $1 AND sha256 > $2 ORDER BY sha256 LIMIT 100;

-- name: blob_due_for_scrub
SELECT sha256, size FROM blobs WHERE state = 'verified' AND scrubbed_at < $1
ORDER BY scrubbed_at, sha256 LIMIT 1;

-- name: blob_scrubbed
UPDATE blobs SET scrubbed_at = $1, state = $2 WHERE sha256 = $3 AND state IN ('verified', 'damaged');

-- name: blob_scrub_counts
SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT),
    COALESCE(SUM(CASE state WHEN 'damaged' THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN scrubbed_at < $1 AND state = 'verified' THEN 1 ELSE 0 END), 0), COALESCE(MIN(scrubbed_at), 0)
FROM blobs WHERE state IN ('verified', 'damaged');

-- A file without a row gets one that says it is going: nobody claims it meanwhile.
-- name: blob_adopt_stray
INSERT INTO blobs (sha256, size, state, format, detail, claimed_at, scrubbed_at)
VALUES ($1, $2, 'removing', '', '{}', $3, $3) ON CONFLICT (sha256) DO NOTHING;

-- name: scrub_request_save
INSERT INTO meta (name, value) VALUES ('scrub_requested_at', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: scrub_request_find
SELECT value FROM meta WHERE name = 'scrub_requested_at';

-- name: digest_block
INSERT INTO blocked_digests (sha256, source, reason, blocked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (sha256, source) DO UPDATE SET reason = excluded.reason;

-- name: digest_unblock
DELETE FROM blocked_digests WHERE sha256 = $1 AND source = $2;

-- Why a digest may not be downloaded: a block first, else that every release with it was withdrawn.
-- name: digest_block_reason
SELECT MIN(reason) FROM blocked_digests WHERE sha256 = $1;

-- name: digest_use
SELECT COALESCE(SUM(CASE WHEN r.state = 'withdrawn' THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN r.state IN ('published', 'paused') THEN 1 ELSE 0 END), 0)
FROM packages p JOIN releases r ON r.id = p.release_id WHERE p.sha256 = $1;

-- Uploads --------------------------------------------------------------------------------------

-- name: upload_insert
INSERT INTO uploads (id, account_id, length, filename, sha256_expected, sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: upload_find_row
SELECT u.id, u.account_id, u.length, u.filename, u.sha256_expected, u.sha256, u.created_at,
    u.expires_at, b.format, b.detail
FROM uploads u LEFT JOIN blobs b ON b.sha256 = u.sha256 WHERE u.id = $1;

-- name: upload_finish
UPDATE uploads SET sha256 = $1, length = $2, expires_at = $3 WHERE id = $4;

-- name: upload_remove
DELETE FROM uploads WHERE id = $1;

-- name: upload_unfinished_count
SELECT COUNT(*) FROM uploads WHERE account_id = $1 AND sha256 IS NULL;

-- name: upload_expired
SELECT id FROM uploads WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100;
