#ifndef SLIPWAY_CATALOG_TYPES_H
#define SLIPWAY_CATALOG_TYPES_H

/*
 * The nouns of the catalogue as their stores give them. All spans live in the arena the store was
 * given; empty and 0 mean absent.
 */

#include "db/db.h"
#include "update/update.h"

struct product {
	span id, name, title, description;
	span countries_denied, countries_allowed; /* space-separated ISO 3166-1 codes */
	int64_t created_at;
};

struct product_list {
	struct product *items;
	size_t count;
};

struct publisher_key {
	span id, product_id;
	span key_id;     /* as minisign shows it: capital hex digits, no leading zeros */
	span public_key; /* the bare base64 line */
	int64_t created_at;
};

struct publisher_key_list {
	struct publisher_key *items;
	size_t count;
};

/* One bit per enum channel: the channels a release was put into. */
typedef unsigned channel_set;
#define CHANNEL_BIT(c) (1u << (c))

struct release {
	span id, product_id, product_name, version;
	enum release_state state;
	channel_set channels;
	span notes; /* Markdown */
	bool critical, mandatory;
	span min_from;
	int64_t eol_at, created_at, published_at;
	span withdrawn_reason;
};

struct release_list {
	struct release *items;
	size_t count;
};

struct id_list {
	span *ids;
	size_t count;
};

struct requirement {
	span product_id, product_name, range;
};

struct package {
	span id, release_id, filename, platform, format;
	uint64_t size;
	span sha256; /* hex */
	enum package_class class_;
	span entitlement, organisation_id, min_os_version;
	span signature, signature_key_id;
	int64_t created_at;
	bool blocked; /* its digest is */
	span blocked_reason;
	struct requirement *requires;
	size_t requires_count;
};

struct package_list {
	struct package *items;
	size_t count;
};

enum blob_state { BLOB_QUARANTINED, BLOB_VERIFIED, BLOB_DAMAGED, BLOB_REMOVING, BLOB_STATES };

/* What the database knows of a blob. */
struct blob_row {
	span sha256;
	uint64_t size;
	enum blob_state state;
	span format;
	span detail; /* JSON of the inspection */
	int64_t claimed_at, scrubbed_at;
};

struct upload {
	span id, account_id;
	bool has_length; /* false: not known before the end */
	uint64_t length;
	span filename;
	span sha256_expected;
	span sha256;         /* set when all bytes have arrived and were verified */
	span format, detail; /* of the blob, with sha256 */
	int64_t created_at, expires_at;
};

#endif
