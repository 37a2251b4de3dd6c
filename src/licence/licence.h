#ifndef SLIPWAY_LICENCE_LICENCE_H
#define SLIPWAY_LICENCE_LICENCE_H

/*
 * Licences and the devices activated on them: their rules and their rows. Everything that takes a
 * transaction runs inside a body of db_transact(); what it gives lives in arena a.
 */

#include "crypto/digest.h"
#include "db/db.h"
#include "policy/policy.h"

#define LICENCE_PLAN_MAX       100
#define LICENCE_CODES_MAX      64 /* entitlements of one licence: what a token takes */
#define LICENCE_CODE_MAX       64
#define LICENCE_DEVICES_MAX    1000000
#define DEVICE_NAME_MAX        200
#define DEVICE_SYSTEM_MAX      50
#define DEVICE_FINGERPRINT_MAX 512

struct licence {
	span id, account_id, product_id;
	span organisation_id; /* or empty */
	span key_hint, plan;
	span entitlements; /* codes with one space between */
	enum licence_state state;
	int64_t max_devices;                 /* 0: any number, and none need be named */
	int64_t starts_at_us, expires_at_us; /* 0: always, never */
	int64_t created_at_us;
	int64_t devices; /* active ones */
};

struct device {
	span id, licence_id, name, os, arch;
	enum device_state state;
	uint64_t epoch; /* tokens of an earlier one are dead */
	int64_t created_at_us, last_seen_at_us;
	/* Of its licence; not read by device_store_find_by_fingerprint(). */
	span account_id, account, product;
};

/* Rules; pure. */

/* True for an entitlement: 1–64 of [a-z0-9._-], so that it fits into any list and token. */
bool entitlement_is_valid(span code);
/* Why a licence cannot be used at now_us, POLICY_ALLOW when it can: state and validity only. */
enum policy_reason licence_check(const struct licence *l, int64_t now_us);

/* Store: licences. */

err licence_store_add(
	struct db_tx *tx, const struct licence *l, const uint8_t key_hash[SHA256_SIZE]) MUST_USE;
err licence_store_find(
	struct db_tx *tx, struct arena *a, span id, struct licence *ret, bool *ret_found) MUST_USE;
err licence_store_find_by_key(struct db_tx *tx, struct arena *a,
	const uint8_t key_hash[SHA256_SIZE], struct licence *ret, bool *ret_found) MUST_USE;
/* Writes plan, entitlements, state, max_devices, starts, expires and organisation. */
err licence_store_save(struct db_tx *tx, const struct licence *l) MUST_USE;

struct licence_filter {
	span after; /* id of the last one of the page before, or empty */
	span account_id, product_id, organisation_id; /* empty: any */
	size_t limit;
};
err licence_store_list(struct db_tx *tx, struct arena *a, const struct licence_filter *f,
	struct licence **ret, size_t *ret_count) MUST_USE;
/* The account's licences for a product, those that serve best first; `devices` is not counted. */
err licence_store_list_for(struct db_tx *tx, struct arena *a, span account_id, span product_id,
	struct licence **ret, size_t *ret_count) MUST_USE;

/* Licences of the account, suspended ones too, that have not ended by now_us. */
err licence_store_count_running(
	struct db_tx *tx, span account_id, int64_t now_us, int64_t *ret) MUST_USE;
/* Deletes the account's licences and their devices, whose tokens were ended before. */
err licence_store_delete_of(struct db_tx *tx, span account_id, int64_t *ret_count) MUST_USE;

/* Store: devices. */

/* Uses id, licence_id, name, os, arch, created_at_us; state active, epoch 1. */
err device_store_add(struct db_tx *tx, const struct device *d,
	const uint8_t fingerprint_hash[SHA256_SIZE]) MUST_USE;
err device_store_find(
	struct db_tx *tx, struct arena *a, span id, struct device *ret, bool *ret_found) MUST_USE;
err device_store_find_by_fingerprint(struct db_tx *tx, struct arena *a, span licence_id,
	const uint8_t fingerprint_hash[SHA256_SIZE], struct device *ret, bool *ret_found) MUST_USE;
/* Writes name, os, arch, state, last_seen. */
err device_store_save(struct db_tx *tx, const struct device *d) MUST_USE;
/* The tokens of the device die: gives its new epoch, to be published. ERR_NOT_FOUND. */
err device_store_raise_epoch(struct db_tx *tx, span id, uint64_t *ret_epoch) MUST_USE;
/* Devices behind the id `after`, by id; licence_id, account_id empty: of all. */
err device_store_list(struct db_tx *tx, struct arena *a, span after, span licence_id,
	span account_id, size_t limit, struct device **ret, size_t *ret_count) MUST_USE;
/* Raises the epoch of every device of a licence; gives their ids and new epochs. */
err device_store_raise_epochs_of(struct db_tx *tx, struct arena *a, span licence_id,
	struct device **ret, size_t *ret_count) MUST_USE;

#endif
