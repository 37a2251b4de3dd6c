-- What decides whether a package may be had: it, its release and its product in one row.

-- name: access_package
SELECT p.id, p.filename, p.platform, p.size, p.sha256, p.class, p.entitlement, p.organisation_id,
    r.id, r.version, r.state, d.id, d.name, d.countries_denied, d.countries_allowed,
    (SELECT COUNT(*) FROM blocked_digests b WHERE b.sha256 = p.sha256)
FROM packages p JOIN releases r ON r.id = p.release_id JOIN products d ON d.id = r.product_id
WHERE p.id = $1;

-- name: access_packages_of_release
SELECT p.id, p.filename, p.platform, p.size, p.sha256, p.class, p.entitlement, p.organisation_id,
    r.id, r.version, r.state, d.id, d.name, d.countries_denied, d.countries_allowed,
    (SELECT COUNT(*) FROM blocked_digests b WHERE b.sha256 = p.sha256)
FROM packages p JOIN releases r ON r.id = p.release_id JOIN products d ON d.id = r.product_id
WHERE r.id = $1 ORDER BY p.id;

-- name: access_account
SELECT a.state, a.role, a.organisation_id, a.epoch FROM accounts a WHERE a.id = $1;

-- A device with the account its licence belongs to.
-- name: access_device
SELECT d.id, d.licence_id, d.state, d.epoch, l.account_id
FROM devices d JOIN licences l ON l.id = d.licence_id WHERE d.id = $1;
