/* Hard rule: a line that is not exactly a checkpoint is refused; nothing in it is guessed. */
#include "audit/checkpoint.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"

#include "base/banned.h"

#define VERSION     "slipway-audit-checkpoint-v1\n"
#define MESSAGE_MAX 128

static void add_number(struct buf *out, int64_t n)
{
	for (unsigned i = 8; i-- > 0;)
		buf_add_byte(out, (char)((uint64_t)n >> (8 * i) & 0xff));
}

static void message(const struct checkpoint *c, struct buf *out)
{
	buf_add_str(out, VERSION);
	add_number(out, c->incarnation);
	add_number(out, c->seq);
	add_number(out, c->at_us);
	buf_add(out, span_of(c->hash, sizeof(c->hash)));
}

err checkpoint_sign(struct checkpoint *c, const struct eckey *key, const char *kid)
{
	char memory[MESSAGE_MAX];
	struct buf text, name;

	buf_init_fixed(&name, c->kid, sizeof(c->kid));
	buf_add_str(&name, kid);
	buf_init_fixed(&text, memory, sizeof(memory));
	message(c, &text);
	return eckey_sign(key, buf_span(&text), c->signature);
}

err checkpoint_check(const struct checkpoint *c, const struct eckey *key)
{
	char memory[MESSAGE_MAX];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	message(c, &text);
	return eckey_verify(key, buf_span(&text), c->signature);
}

bool audit_kid_is_valid(span kid)
{
	for (size_t i = 0; i < kid.len; i++) {
		char c = kid.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_'))
			return false;
	}
	return kid.len > 0 && kid.len <= AUDIT_KID_MAX;
}

void checkpoint_write(struct json_writer *w, const char *key, const struct checkpoint *c)
{
	char memory[2 * ECKEY_SIGNATURE_SIZE];
	struct buf text;

	json_begin_object(w, key);
	json_i64(w, "incarnation", c->incarnation);
	json_i64(w, "seq", c->seq);
	buf_init_fixed(&text, memory, sizeof(memory));
	hex_encode(&text, span_of(c->hash, sizeof(c->hash)));
	json_str(w, "hash", buf_span(&text));
	json_time(w, "at", c->at_us);
	json_cstr(w, "kid", c->kid);
	buf_clear(&text);
	base64url_encode(&text, span_of(c->signature, sizeof(c->signature)));
	json_str(w, "signature", buf_span(&text));
	json_end(w);
}

void checkpoint_format(const struct checkpoint *c, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	checkpoint_write(&w, NULL, c);
}

enum member { INCARNATION, SEQ, HASH, AT, KID, SIGNATURE, MEMBERS };

static const char *const members[MEMBERS] = {
	"incarnation", "seq", "hash", "at", "kid", "signature"};

static err parse_kid(span kid, char ret[AUDIT_KID_MAX + 1])
{
	if (!audit_kid_is_valid(kid))
		return ERR_INVALID;
	memcpy(ret, kid.ptr, kid.len);
	ret[kid.len] = '\0';
	return OK;
}

static err parse_signature(span text, uint8_t ret[ECKEY_SIGNATURE_SIZE])
{
	size_t length = 0;
	err e = base64url_decode(text, ret, ECKEY_SIGNATURE_SIZE, &length);

	return e || length != ECKEY_SIGNATURE_SIZE ? ERR_INVALID : OK;
}

static err parse_member(struct json_reader *r, enum member m, struct checkpoint *c)
{
	switch (m) {
	case INCARNATION:
		c->incarnation = json_get_i64(r);
		return OK;
	case SEQ:
		c->seq = json_get_i64(r);
		return OK;
	case HASH:
		return hex_decode(json_get_plain_string(r), c->hash, sizeof(c->hash));
	case AT:
		return time_parse(json_get_plain_string(r), &c->at_us);
	case KID:
		return parse_kid(json_get_plain_string(r), c->kid);
	case SIGNATURE:
		return parse_signature(json_get_plain_string(r), c->signature);
	case MEMBERS:
		break;
	}
	return ERR_INVALID;
}

static enum member find_member(span key)
{
	unsigned m = 0;

	while (m < MEMBERS && !span_is(key, members[m]))
		m++;
	return (enum member)m;
}

err checkpoint_parse(span line, struct checkpoint *ret)
{
	struct checkpoint c = {0};
	struct json_reader r;
	unsigned seen = 0;
	span key;

	json_reader_init(&r, line);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		enum member m = find_member(key);

		if (m == MEMBERS || (seen & 1u << m) || parse_member(&r, m, &c))
			return ERR_INVALID;
		seen |= 1u << m;
	}
	if (json_read_end(&r) || seen != (1u << MEMBERS) - 1 || c.seq <= 0 || c.incarnation < 0 ||
		c.at_us <= 0)
		return ERR_INVALID;
	*ret = c;
	return OK;
}
