/* Hard rule: what is hashed is the documented encoding and never changes for a version's name. */
#include "audit/entry.h"

#include <string.h>

#include "base/banned.h"

#define VERSION "slipway-audit-v1\n"

static void add_number(struct buf *out, uint64_t n, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;)
		buf_add_byte(out, (char)(n >> (8 * i) & 0xff));
}

static void add_text(struct buf *out, span text)
{
	if (text.len > UINT32_MAX)
		buf_fail(out, ERR_TOO_LARGE);
	add_number(out, text.len, 4);
	buf_add(out, text);
}

void audit_entry_encode(
	const struct audit_entry *e, const uint8_t before[SHA256_SIZE], struct buf *out)
{
	const span texts[] = {e->id, e->actor_kind, e->actor, e->action, e->object, e->outcome,
		e->ip_prefix, e->request_id, e->detail};

	buf_clear(out);
	buf_add_str(out, VERSION);
	buf_add(out, span_of(before, SHA256_SIZE));
	add_number(out, (uint64_t)e->seq, 8);
	add_number(out, (uint64_t)e->at_us, 8);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		add_text(out, texts[i]);
}

err audit_entry_hash(const struct audit_entry *e, const uint8_t before[SHA256_SIZE],
	struct buf *scratch, uint8_t ret[SHA256_SIZE])
{
	audit_entry_encode(e, before, scratch);
	if (buf_error(scratch))
		return buf_error(scratch);
	sha256(buf_span(scratch), ret);
	return OK;
}
