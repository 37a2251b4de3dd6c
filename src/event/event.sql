-- Events ---------------------------------------------------------------------------------------

-- name: event_cursor_find
SELECT id, position FROM event_cursors WHERE edge = $1 AND generation = $2;

-- name: event_cursor_last
SELECT COALESCE(MAX(id), 0) FROM event_cursors;

-- name: event_cursor_add
INSERT INTO event_cursors (id, edge, generation, position, torn, updated_at)
VALUES ($1, $2, $3, 0, 0, $4);

-- name: event_cursor_move
UPDATE event_cursors SET position = $1, torn = torn + $2, updated_at = $3 WHERE id = $4;

-- name: event_add
INSERT INTO events (id, at, kind, download_id, detail) VALUES ($1, $2, $3, $4, $5);

-- A part of the old ones at a time, so that a writer never holds the database for long.
-- name: event_delete_before
DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < $1 ORDER BY at LIMIT 5000);

-- The same of what anybody can write without an account. Ids are in the order of time.
-- name: update_report_delete_before
DELETE FROM update_reports
WHERE id IN (SELECT id FROM update_reports WHERE id < $1 ORDER BY id LIMIT 5000);

-- Grants to nobody in particular that nobody has used; only of a few days, as the table is long.
-- name: download_delete_unused
DELETE FROM downloads WHERE id IN (SELECT id FROM downloads WHERE id >= $1 AND id < $2
    AND state = 'granted' AND account_id IS NULL AND expires_at < $3 ORDER BY id LIMIT 5000);

-- Update checks --------------------------------------------------------------------------------

-- name: update_checks_add
INSERT INTO update_checks (day, product, platform, installed, offered, checks)
SELECT CAST($1 AS BIGINT), p.name, CAST($2 AS TEXT),
    COALESCE((SELECT r.version FROM releases r WHERE r.product_id = p.id AND r.version = $3), 'other'),
    COALESCE((SELECT r.version FROM releases r WHERE r.product_id = p.id AND r.version = $4), ''),
    CAST($5 AS BIGINT)
FROM products p WHERE p.name = $6
ON CONFLICT (day, product, platform, installed, offered)
DO UPDATE SET checks = update_checks.checks + excluded.checks;

-- Downloads ------------------------------------------------------------------------------------

-- name: download_add
INSERT INTO downloads (id, package_id, release_id, account_id, device_id, licence_id, renewals,
    filename, size, state, granted_at, expires_at, requests, ranges, bytes, bytes_sent, country,
    referrer, client_os, client_device, client_version, report, error)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, 'granted', $9, $10, 0, '', 0, 0, $11, $12, $13, $14, $15,
    '', '');

-- name: download_find
SELECT id, package_id, release_id, account_id, device_id, licence_id, renewals, filename, size, state,
    granted_at, expires_at, first_byte_at, last_byte_at, requests, ranges, bytes, bytes_sent, country,
    referrer, client_os, client_device, client_version, report, reported_at, duration_ms, error
FROM downloads WHERE id = $1;

-- With names, for people. What people have deleted has none.
-- name: download_show
SELECT d.id, d.package_id, d.release_id, d.account_id, d.device_id, d.licence_id, d.renewals, d.filename,
    d.size, d.state, d.granted_at, d.expires_at, d.first_byte_at, d.last_byte_at, d.requests, d.ranges,
    d.bytes, d.bytes_sent, d.country, d.referrer, d.client_os, d.client_device, d.client_version, d.report,
    d.reported_at, d.duration_ms, d.error, p.name, r.version, k.platform, a.email
FROM downloads d LEFT JOIN releases r ON r.id = d.release_id LEFT JOIN products p ON p.id = r.product_id
    LEFT JOIN packages k ON k.id = d.package_id LEFT JOIN accounts a ON a.id = d.account_id
WHERE d.id = $1;

-- name: download_list
SELECT d.id, d.package_id, d.release_id, d.account_id, d.device_id, d.licence_id, d.renewals, d.filename,
    d.size, d.state, d.granted_at, d.expires_at, d.first_byte_at, d.last_byte_at, d.requests, d.ranges,
    d.bytes, d.bytes_sent, d.country, d.referrer, d.client_os, d.client_device, d.client_version, d.report,
    d.reported_at, d.duration_ms, d.error, p.name, r.version, k.platform, a.email
FROM downloads d LEFT JOIN releases r ON r.id = d.release_id LEFT JOIN products p ON p.id = r.product_id
    LEFT JOIN packages k ON k.id = d.package_id LEFT JOIN accounts a ON a.id = d.account_id
WHERE d.id < $1 AND ($2 = '' OR d.account_id = $2) AND ($3 = '' OR d.state = $3)
    AND ($4 = '' OR d.package_id = $4) AND ($5 = '' OR p.name = $5 OR p.id = $5)
ORDER BY d.id DESC LIMIT $6;

-- name: download_save_transfer
UPDATE downloads SET state = $1, first_byte_at = $2, last_byte_at = $3, requests = $4, ranges = $5,
    bytes = $6, bytes_sent = $7, country = $8, client_os = $9, client_device = $10,
    client_version = $11, duration_ms = $12
WHERE id = $13;

-- name: download_save_report
UPDATE downloads SET state = $1, report = $2, reported_at = $3, duration_ms = $4, error = $5,
    referrer = $6, client_os = $7, client_device = $8, client_version = $9
WHERE id = $10;

-- name: download_save_renewal
UPDATE downloads SET renewals = $1, expires_at = $2 WHERE id = $3 AND renewals = $4;

-- Update reports -------------------------------------------------------------------------------

-- name: update_report_add
INSERT INTO update_reports (id, release_id, device, stage, error, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (release_id, device, stage) DO UPDATE SET error = excluded.error, at = excluded.at;


-- Statistics -----------------------------------------------------------------------------------
-- Days are numbers of UTC days since 1970. Downloads are found by the least id of a time.

-- name: stats_downloads_by_day
SELECT granted_at / 86400000000, COUNT(*),
    CAST(SUM(CASE WHEN state = 'completed' THEN 1 ELSE 0 END) AS BIGINT),
    CAST(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS BIGINT),
    CAST(SUM(bytes) AS BIGINT), CAST(SUM(bytes_sent) AS BIGINT)
FROM downloads WHERE id >= $1 GROUP BY 1 ORDER BY 1;

-- name: stats_downloads_by_package
SELECT d.name, r.version, COALESCE(p.platform, ''), COUNT(*),
    CAST(SUM(CASE WHEN w.state = 'completed' THEN 1 ELSE 0 END) AS BIGINT),
    CAST(SUM(CASE WHEN w.state = 'failed' THEN 1 ELSE 0 END) AS BIGINT),
    CAST(SUM(w.bytes) AS BIGINT), CAST(SUM(w.bytes_sent) AS BIGINT)
FROM downloads w JOIN releases r ON r.id = w.release_id JOIN products d ON d.id = r.product_id
    LEFT JOIN packages p ON p.id = w.package_id
WHERE w.id >= $1
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT $2;

-- name: stats_checks
SELECT day, product, platform, installed, CAST(SUM(checks) AS BIGINT),
    CAST(SUM(CASE WHEN offered = '' THEN 0 ELSE checks END) AS BIGINT)
FROM update_checks WHERE day >= $1
GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 5 DESC, 2, 3, 4 LIMIT $2;

-- name: stats_reports
SELECT d.name, r.version, u.stage, COUNT(*)
FROM update_reports u JOIN releases r ON r.id = u.release_id JOIN products d ON d.id = r.product_id
WHERE u.at >= $1
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $2;
