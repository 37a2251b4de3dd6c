/*
 * minisign's file formats. Hard rule: a signature is good only if both its signatures are, the one
 * over the file and the one that binds the trusted comment to it.
 *
 *   untrusted comment: …                       untrusted comment: …
 *   base64("ED" ‖ key id ‖ signature)          base64("Ed" ‖ key id ‖ public key)
 *   trusted comment: …
 *   base64(global signature)
 */
#include "crypto/minisign.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define COMMENT          "untrusted comment: "
#define TRUSTED          "trusted comment: "
#define ALGORITHM_SIZE   2
#define PUBLIC_RECORD    (ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE + ED25519_PUBLIC_SIZE)
#define SIGNATURE_RECORD (ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE + ED25519_SIGNATURE_SIZE)

/* The decoded line of a secret key file (minisign.h of the original, struct SeckeyStruct). */
struct secret_record {
	uint8_t algorithm[2], kdf[2], checksum_algorithm[2];
	uint8_t kdf_salt[32], kdf_opslimit[8], kdf_memlimit[8];
	uint8_t key_id[MINISIGN_KEY_ID_SIZE];
	uint8_t seed[32], public_key[32];
	uint8_t checksum[32]; /* zero in keys without a password, and not looked at */
};
_Static_assert(sizeof(struct secret_record) == 158, "minisign's layout has no padding");

/* Cuts a line, without its end ("\n" or "\r\n"). */
static bool take_line(span *rest, span *ret)
{
	if (!span_cut(rest, '\n', ret))
		return false;
	if (span_ends_with(*ret, SPAN("\r")))
		ret->len--;
	return true;
}

/* Takes a line that begins with this; gives what follows. */
static bool take_comment(span *rest, span begins, span *ret)
{
	span line;

	if (!take_line(rest, &line) || !span_starts_with(line, begins))
		return false;
	*ret = span_from_offset(line, begins.len);
	return true;
}

/* Takes a line of base64 that holds exactly size bytes. */
static bool take_bytes(span *rest, void *ret, size_t size)
{
	span line;
	size_t len;

	return take_line(rest, &line) && base64_decode(line, ret, size, &len) == OK && len == size;
}

static bool is_at_end(span rest)
{
	return !rest.ptr || rest.len == 0;
}

void minisign_generate(struct minisign_secret *ret)
{
	random_bytes(ret->seed, sizeof(ret->seed));
	random_bytes(ret->public.key_id, sizeof(ret->public.key_id));
	ed25519_public(ret->seed, ret->public.key);
}

/* Key ids are shown as minisign shows them: a little-endian number in upper-case hex. */
static void add_key_id(struct buf *out, const uint8_t id[MINISIGN_KEY_ID_SIZE])
{
	uint64_t n = 0;

	for (size_t i = MINISIGN_KEY_ID_SIZE; i > 0; i--)
		n = n << 8 | id[i - 1];
	buf_addf(out, "%llX", (unsigned long long)n);
}

static void add_record(struct buf *out, const void *record, size_t size)
{
	base64_encode(out, span_of(record, size));
	buf_add_byte(out, '\n');
}

void minisign_format_public(struct buf *out, const struct minisign_public *k)
{
	uint8_t record[PUBLIC_RECORD] = {'E', 'd'};

	memcpy(record + ALGORITHM_SIZE, k->key_id, MINISIGN_KEY_ID_SIZE);
	memcpy(record + ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE, k->key, sizeof(k->key));
	buf_add(out, SPAN(COMMENT "minisign public key "));
	add_key_id(out, k->key_id);
	buf_add_byte(out, '\n');
	add_record(out, record, sizeof(record));
}

void minisign_format_secret(struct buf *out, const struct minisign_secret *k)
{
	struct secret_record r = {.algorithm = {'E', 'd'}, .checksum_algorithm = {'B', '2'}};

	memcpy(r.key_id, k->public.key_id, sizeof(r.key_id));
	memcpy(r.seed, k->seed, sizeof(r.seed));
	memcpy(r.public_key, k->public.key, sizeof(r.public_key));
	buf_add(out, SPAN(COMMENT "minisign secret key without a password\n"));
	add_record(out, &r, sizeof(r));
	wipe(&r, sizeof(r));
}

err minisign_parse_public(span text, struct minisign_public *ret)
{
	uint8_t record[PUBLIC_RECORD];
	span rest = text, comment;

	if (text.len > MINISIGN_TEXT_MAX)
		return ERR_INVALID;
	if (!take_comment(&rest, SPAN(COMMENT), &comment))
		rest = text; /* the bare line */
	if (!take_bytes(&rest, record, sizeof(record)) || !is_at_end(rest) ||
		memcmp(record, "Ed", ALGORITHM_SIZE) != 0)
		return ERR_INVALID;
	memcpy(ret->key_id, record + ALGORITHM_SIZE, MINISIGN_KEY_ID_SIZE);
	memcpy(ret->key, record + ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE, sizeof(ret->key));
	return OK;
}

static err check_secret(const struct secret_record *r)
{
	static const uint8_t no_kdf[2] = {0, 0};
	uint8_t public_key[ED25519_PUBLIC_SIZE];

	if (memcmp(r->algorithm, "Ed", ALGORITHM_SIZE) != 0 ||
		memcmp(r->checksum_algorithm, "B2", sizeof(r->checksum_algorithm)) != 0)
		return ERR_INVALID;
	if (memcmp(r->kdf, no_kdf, sizeof(no_kdf)) != 0)
		return ERR_DENIED;
	ed25519_public(r->seed, public_key);
	return memcmp(public_key, r->public_key, sizeof(public_key)) == 0 ? OK : ERR_INVALID;
}

err minisign_parse_secret(span text, struct minisign_secret *ret)
{
	struct secret_record r;
	span comment;

	if (text.len > MINISIGN_TEXT_MAX || !take_comment(&text, SPAN(COMMENT), &comment))
		return ERR_INVALID;
	err e = take_bytes(&text, &r, sizeof(r)) && is_at_end(text) ? check_secret(&r)
								    : ERR_INVALID;

	if (!e) {
		memcpy(ret->public.key_id, r.key_id, sizeof(r.key_id));
		memcpy(ret->public.key, r.public_key, sizeof(r.public_key));
		memcpy(ret->seed, r.seed, sizeof(r.seed));
	}
	wipe(&r, sizeof(r));
	return e;
}

err minisign_parse_signature(span text, struct minisign_signature *ret)
{
	uint8_t record[SIGNATURE_RECORD];
	struct minisign_signature s = {.prehashed = false};
	span comment, trusted;

	if (text.len > MINISIGN_TEXT_MAX || !take_comment(&text, SPAN(COMMENT), &comment) ||
		!take_bytes(&text, record, sizeof(record)) ||
		!take_comment(&text, SPAN(TRUSTED), &trusted) ||
		!take_bytes(&text, s.global_signature, sizeof(s.global_signature)) ||
		!is_at_end(text))
		return ERR_INVALID;
	if (record[0] != 'E' || (record[1] != 'd' && record[1] != 'D') ||
		trusted.len >= sizeof(s.trusted_comment) || span_find(trusted, '\0') < trusted.len)
		return ERR_INVALID;
	s.prehashed = record[1] == 'D';
	memcpy(s.key_id, record + ALGORITHM_SIZE, sizeof(s.key_id));
	memcpy(s.signature, record + ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE, sizeof(s.signature));
	memcpy(s.trusted_comment, trusted.ptr, trusted.len);
	*ret = s;
	return OK;
}

/* What the global signature covers. Gives its length. */
static size_t global_message(
	const uint8_t signature[ED25519_SIGNATURE_SIZE], span comment, uint8_t *ret)
{
	memcpy(ret, signature, ED25519_SIGNATURE_SIZE);
	memcpy(ret + ED25519_SIGNATURE_SIZE, comment.ptr, comment.len);
	return ED25519_SIGNATURE_SIZE + comment.len;
}

static bool is_one_line(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 && text.ptr[i] != '\t')
			return false;
	return span_is_utf8(text);
}

err minisign_sign(const struct minisign_secret *k, const uint8_t blake2b[BLAKE2B_SIZE],
	span trusted_comment, struct buf *out)
{
	uint8_t record[SIGNATURE_RECORD] = {'E', 'D'}, global[ED25519_SIGNATURE_SIZE];
	uint8_t *signature = record + ALGORITHM_SIZE + MINISIGN_KEY_ID_SIZE;
	uint8_t message[ED25519_SIGNATURE_SIZE + MINISIGN_COMMENT_SIZE];

	if (trusted_comment.len >= MINISIGN_COMMENT_SIZE || !is_one_line(trusted_comment))
		return ERR_INVALID;
	memcpy(record + ALGORITHM_SIZE, k->public.key_id, MINISIGN_KEY_ID_SIZE);
	err e = ed25519_sign(k->seed, span_of(blake2b, BLAKE2B_SIZE), signature);

	if (e)
		return e;
	size_t len = global_message(signature, trusted_comment, message);

	e = ed25519_sign(k->seed, span_of(message, len), global);
	if (e)
		return e;
	buf_add(out, SPAN(COMMENT "signature from minisign secret key\n"));
	add_record(out, record, sizeof(record));
	buf_add(out, SPAN(TRUSTED));
	buf_add(out, trusted_comment);
	buf_add_byte(out, '\n');
	add_record(out, global, sizeof(global));
	return buf_error(out);
}

err minisign_verify(const struct minisign_public *k, const uint8_t blake2b[BLAKE2B_SIZE],
	const struct minisign_signature *s)
{
	uint8_t message[ED25519_SIGNATURE_SIZE + sizeof(s->trusted_comment)];

	if (!s->prehashed)
		return ERR_INVALID;
	if (memcmp(k->key_id, s->key_id, sizeof(s->key_id)) != 0)
		return ERR_DENIED;
	err e = ed25519_verify(k->key, span_of(blake2b, BLAKE2B_SIZE), s->signature);

	if (e)
		return e;
	size_t len = global_message(s->signature, span_from(s->trusted_comment), message);

	return ed25519_verify(k->key, span_of(message, len), s->global_signature);
}
