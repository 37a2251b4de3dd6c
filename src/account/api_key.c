/* The text of API keys. Hard rule: form and checksum are judged before anything is looked up. */
#include "account/api_key.h"

#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* CRC-32 of IEEE 802.3, bit by bit: keys are short. */
static uint32_t crc32_of(span s)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned char)s.ptr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static void write_crc(span s, char ret[API_KEY_CRC_CHARS])
{
	uint32_t crc = crc32_of(s);

	for (int i = API_KEY_CRC_CHARS - 1; i >= 0; i--) {
		ret[i] = base62[crc % 62];
		crc /= 62;
	}
}

static void add_random(struct buf *b, size_t count)
{
	while (count--)
		buf_add_byte(b, base62[random_below(62)]);
}

void api_key_make(const char *env, span public_id, char ret[API_KEY_SIZE])
{
	char crc[API_KEY_CRC_CHARS];
	struct buf b;

	buf_init_fixed(&b, ret, API_KEY_SIZE);
	buf_addf(&b, "slk_%.*s_", API_KEY_ENV_MAX, env);
	if (public_id.len)
		buf_add(&b, public_id);
	else
		add_random(&b, API_KEY_ID_CHARS);
	buf_add_byte(&b, '_');
	add_random(&b, API_KEY_SECRET_CHARS);
	write_crc(buf_span(&b), crc);
	buf_add(&b, span_of(crc, sizeof(crc)));
}

static bool all_in(span s, const char *alphabet)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.ptr[i] || !strchr(alphabet, s.ptr[i]))
			return false;
	return true;
}

err api_key_parse(span text, span *ret_public_id)
{
	span rest = text, prefix, env, id;
	char crc[API_KEY_CRC_CHARS];

	if (text.len >= API_KEY_SIZE || !span_cut(&rest, '_', &prefix) || !span_is(prefix, "slk") ||
		!span_cut(&rest, '_', &env) || !span_cut(&rest, '_', &id) || !rest.ptr)
		return ERR_INVALID;
	if (env.len == 0 || env.len > API_KEY_ENV_MAX ||
		!all_in(env, "abcdefghijklmnopqrstuvwxyz") || id.len != API_KEY_ID_CHARS ||
		rest.len != API_KEY_SECRET_CHARS + API_KEY_CRC_CHARS || !all_in(id, base62) ||
		!all_in(rest, base62))
		return ERR_INVALID;
	write_crc(span_sub(text, 0, text.len - API_KEY_CRC_CHARS), crc);
	if (!ct_equal(span_of(crc, sizeof(crc)),
		    span_from_offset(text, text.len - API_KEY_CRC_CHARS)))
		return ERR_INVALID;
	*ret_public_id = id;
	return OK;
}

void api_key_hash(span text, uint8_t ret[SHA256_SIZE])
{
	sha256(text, ret);
}
