/*
 * Password hashes by libargon2. Hard rule: costs written in a stored hash are checked against
 * ceilings before they are paid, so a damaged row cannot take all memory.
 */
#include "crypto/password.h"

#include <argon2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define COST_KIB    47104 /* 46 MiB */
#define COST_PASSES 1
#define COST_LANES  1
#define SALT_SIZE   16
#define HASH_SIZE   32

/* Of a stored hash. */
#define MAX_KIB    UINT64_C(1048576) /* 1 GiB */
#define MAX_PASSES 16
#define MAX_LANES  16
#define MAX_BYTES  64 /* of salt and of hash */

#define HUGE_PAGE (UINT64_C(2) << 20)

struct costs {
	uint64_t kib, passes, lanes;
};

struct stored_bytes {
	uint8_t bytes[MAX_BYTES];
	size_t len;
};

/* A PHC string, read. */
struct stored {
	struct costs costs;
	struct stored_bytes salt, hash;
};

static const struct costs costs_now = {COST_KIB, COST_PASSES, COST_LANES};

/* Takes "name=number" from the front of *rest, up to the separator. */
static bool take_cost(span *rest, char separator, const char *name, uint64_t max, uint64_t *ret)
{
	span part;

	if (!span_cut(rest, separator, &part) || !span_starts_with(part, span_from(name)))
		return false;
	return span_to_u64(span_from_offset(part, strlen(name)), max, ret) == OK;
}

/*
 * In huge pages, where the system has them: touching 46 MiB for the first time in 11,776 small ones
 * takes longer than the hash itself (a quarter of it on bare metal, four times it in a virtual
 * machine). Given back at once, so that a server nobody signs in to does not hold them.
 */
static int take_memory(uint8_t **ret, size_t size)
{
	void *memory;

	if (posix_memalign(&memory, HUGE_PAGE, size))
		return ARGON2_MEMORY_ALLOCATION_ERROR;
	(void)madvise(memory, size, MADV_HUGEPAGE); /* best effort */
	*ret = memory;
	return ARGON2_OK;
}

/* libargon2 has wiped it. */
static void give_memory(uint8_t *memory, size_t size UNUSED)
{
	free(memory);
}

static int derive(const struct costs *c, span password, span salt, uint8_t *ret_hash, size_t size)
{
	argon2_context context = {
		.out = ret_hash,
		.outlen = (uint32_t)size,
		.pwd = (uint8_t *)(uintptr_t)
			       password.ptr, /* only read: no flag to clear it is set */
		.pwdlen = (uint32_t)password.len,
		.salt = (uint8_t *)(uintptr_t)salt.ptr,
		.saltlen = (uint32_t)salt.len,
		.t_cost = (uint32_t)c->passes,
		.m_cost = (uint32_t)c->kib,
		.lanes = (uint32_t)c->lanes,
		.threads = (uint32_t)c->lanes,
		.version = ARGON2_VERSION_13,
		.allocate_cbk = take_memory,
		.free_cbk = give_memory,
	};

	return argon2id_ctx(&context);
}

/* PHC strings have base64 of RFC 4648 section 4, but without padding. */
static void put_bytes(struct buf *out, span bytes)
{
	char memory[(MAX_BYTES + 2) / 3 * 4 + 1];
	struct buf padded;

	buf_init_fixed(&padded, memory, sizeof(memory));
	base64_encode(&padded, bytes);
	buf_add(out, span_sub(buf_span(&padded), 0, span_find(buf_span(&padded), '=')));
}

static bool take_bytes(span text, struct stored_bytes *ret)
{
	char padded[(MAX_BYTES + 2) / 3 * 4];
	size_t len = (text.len + 3) / 4 * 4;

	if (text.len == 0 || len > sizeof(padded))
		return false;
	memset(padded, '=', len);
	memcpy(padded, text.ptr, text.len);
	return base64_decode(span_of(padded, len), ret->bytes, sizeof(ret->bytes), &ret->len) == OK;
}

/* "$argon2id$v=19$m=47104,t=1,p=1$salt$hash" */
static bool parse(span phc, struct stored *ret)
{
	static const char head[] = "$argon2id$v=19$";
	struct stored s;
	span salt;

	if (phc.len > PASSWORD_HASH_MAX || !span_starts_with(phc, span_from(head)))
		return false;
	phc = span_from_offset(phc, strlen(head));
	if (!take_cost(&phc, ',', "m=", MAX_KIB, &s.costs.kib) ||
		!take_cost(&phc, ',', "t=", MAX_PASSES, &s.costs.passes) ||
		!take_cost(&phc, '$', "p=", MAX_LANES, &s.costs.lanes))
		return false;
	if (!span_cut(&phc, '$', &salt) || !take_bytes(salt, &s.salt) || !take_bytes(phc, &s.hash))
		return false;
	*ret = s;
	return true;
}

err password_hash(span password, struct buf *out)
{
	uint8_t salt[SALT_SIZE], hash[HASH_SIZE];

	if (password.len > PASSWORD_MAX_BYTES)
		return ERR_TOO_LARGE;
	random_bytes(salt, sizeof(salt));
	int rc = derive(&costs_now, password, span_of(salt, sizeof(salt)), hash, sizeof(hash));

	if (rc != ARGON2_OK)
		return rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NOMEM : ERR_BUG;
	buf_addf(out, "$argon2id$v=19$m=%d,t=%d,p=%d$", COST_KIB, COST_PASSES, COST_LANES);
	put_bytes(out, span_of(salt, sizeof(salt)));
	buf_add_str(out, "$");
	put_bytes(out, span_of(hash, sizeof(hash)));
	wipe(hash, sizeof(hash));
	return buf_error(out);
}

err password_verify(span password, span phc)
{
	uint8_t hash[MAX_BYTES];
	struct stored s;

	if (!parse(phc, &s))
		return ERR_CORRUPT;
	if (password.len > PASSWORD_MAX_BYTES)
		return ERR_DENIED; /* none this long was ever stored */
	int rc = derive(&s.costs, password, span_of(s.salt.bytes, s.salt.len), hash, s.hash.len);

	if (rc != ARGON2_OK)
		return rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NOMEM : ERR_CORRUPT;
	bool same = ct_equal(span_of(hash, s.hash.len), span_of(s.hash.bytes, s.hash.len));

	wipe(hash, sizeof(hash));
	return same ? OK : ERR_DENIED;
}

bool password_needs_rehash(span phc)
{
	struct stored s;

	return !parse(phc, &s) || s.costs.kib < COST_KIB || s.costs.passes < COST_PASSES;
}

void password_verify_nobody(span password)
{
	static const uint8_t salt[SALT_SIZE];
	uint8_t hash[HASH_SIZE];

	if (password.len > PASSWORD_MAX_BYTES)
		return;
	/* Only the time it takes is wanted; out of memory it takes none, as for everybody then. */
	(void)derive(&costs_now, password, span_of(salt, sizeof(salt)), hash, sizeof(hash));
	wipe(hash, sizeof(hash));
}
