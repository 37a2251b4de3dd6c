/*
 * Password hashes by libargon2. Hard rule: costs written in a stored hash are checked against
 * ceilings before they are paid, so a damaged row cannot take all memory.
 */
#include "crypto/password.h"

#include <argon2.h>
#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define COST_KIB    47104 /* 46 MiB */
#define COST_PASSES 1
#define COST_LANES  1
#define SALT_SIZE   16
#define HASH_SIZE   32

#define MAX_KIB    UINT64_C(1048576) /* 1 GiB */
#define MAX_PASSES 16
#define MAX_LANES  16

struct costs {
	uint64_t kib, passes, lanes;
};

/* Takes "name=number" from the front of *rest, up to the separator. */
static bool take_cost(span *rest, char separator, const char *name, uint64_t max, uint64_t *ret)
{
	span part;

	if (!span_cut(rest, separator, &part) || !span_starts_with(part, span_from(name)))
		return false;
	return span_to_u64(span_from_offset(part, strlen(name)), max, ret) == OK;
}

/* "$argon2id$v=19$m=47104,t=1,p=1$salt$hash" */
static bool parse_costs(span phc, struct costs *ret)
{
	static const char head[] = "$argon2id$v=19$";
	struct costs c;

	if (phc.len > PASSWORD_HASH_MAX || !span_starts_with(phc, span_from(head)) ||
		span_find(phc, '\0') < phc.len)
		return false;
	phc = span_from_offset(phc, strlen(head));
	if (!take_cost(&phc, ',', "m=", MAX_KIB, &c.kib) ||
		!take_cost(&phc, ',', "t=", MAX_PASSES, &c.passes) ||
		!take_cost(&phc, '$', "p=", MAX_LANES, &c.lanes))
		return false;
	*ret = c;
	return true;
}

err password_hash(span password, struct buf *out)
{
	uint8_t salt[SALT_SIZE];
	char phc[PASSWORD_HASH_MAX + 1];

	if (password.len > PASSWORD_MAX_BYTES)
		return ERR_TOO_LARGE;
	random_bytes(salt, sizeof(salt));
	int rc = argon2id_hash_encoded(COST_PASSES, COST_KIB, COST_LANES, password.ptr,
		password.len, salt, sizeof(salt), HASH_SIZE, phc, sizeof(phc));

	if (rc != ARGON2_OK)
		return rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NOMEM : ERR_BUG;
	buf_add_str(out, phc);
	return buf_error(out);
}

err password_verify(span password, span phc)
{
	char text[PASSWORD_HASH_MAX + 1];
	struct costs c;

	if (!parse_costs(phc, &c))
		return ERR_CORRUPT;
	if (password.len > PASSWORD_MAX_BYTES)
		return ERR_DENIED; /* none this long was ever stored */
	memcpy(text, phc.ptr, phc.len);
	text[phc.len] = '\0';
	switch (argon2id_verify(text, password.ptr, password.len)) {
	case ARGON2_OK:
		return OK;
	case ARGON2_VERIFY_MISMATCH:
		return ERR_DENIED;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
		return ERR_NOMEM;
	default:
		return ERR_CORRUPT;
	}
}

bool password_needs_rehash(span phc)
{
	struct costs c;

	return !parse_costs(phc, &c) || c.kib < COST_KIB || c.passes < COST_PASSES;
}

void password_verify_nobody(span password)
{
	uint8_t salt[SALT_SIZE] = {0}, hash[HASH_SIZE];

	if (password.len > PASSWORD_MAX_BYTES)
		return;
	/* Only the time it takes is wanted; out of memory it takes none, as for everybody then. */
	(void)argon2id_hash_raw(COST_PASSES, COST_KIB, COST_LANES, password.ptr, password.len, salt,
		sizeof(salt), hash, sizeof(hash));
	wipe(hash, sizeof(hash));
}
