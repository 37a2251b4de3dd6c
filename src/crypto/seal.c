/* Hard rule: nothing of a plain text is given out before its tag was verified. */
#include "crypto/seal.h"

#include <openssl/evp.h>

#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define NONCE_SIZE 12
#define TAG_SIZE   16

static const unsigned char *bytes(span s)
{
	return (const unsigned char *)s.ptr;
}

static bool encrypt(
	const uint8_t *key, const uint8_t *nonce, span aad, span plain, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		  EVP_EncryptUpdate(c, NULL, &n, bytes(aad), (int)aad.len) == 1 &&
		  EVP_EncryptUpdate(c, out, &n, bytes(plain), (int)plain.len) == 1 &&
		  EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;

	EVP_CIPHER_CTX_free(c);
	return ok;
}

static bool decrypt(
	const uint8_t *key, const uint8_t *nonce, span aad, span sealed, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		  EVP_DecryptUpdate(c, NULL, &n, bytes(aad), (int)aad.len) == 1 &&
		  EVP_DecryptUpdate(c, out, &n, bytes(sealed), (int)sealed.len) == 1 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
		  EVP_DecryptFinal_ex(c, out + n, &n) == 1;

	EVP_CIPHER_CTX_free(c);
	return ok;
}

err seal(const uint8_t key[SEAL_KEY_SIZE], span belongs_to, span plain, struct buf *out)
{
	uint8_t nonce[NONCE_SIZE], tag[TAG_SIZE], text[SEAL_MAX];

	if (plain.len > SEAL_MAX || belongs_to.len > SEAL_MAX)
		return ERR_TOO_LARGE;
	random_bytes(nonce, sizeof(nonce));
	if (!encrypt(key, nonce, belongs_to, plain, text, tag))
		return ERR_NOMEM;
	buf_add(out, span_of(nonce, sizeof(nonce)));
	buf_add(out, span_of(text, plain.len));
	buf_add(out, span_of(tag, sizeof(tag)));
	return buf_error(out);
}

err unseal(const uint8_t key[SEAL_KEY_SIZE], span belongs_to, span sealed, struct buf *out)
{
	uint8_t text[SEAL_MAX], tag[TAG_SIZE];
	err e = OK;

	if (sealed.len < SEAL_OVERHEAD || sealed.len > SEAL_MAX + SEAL_OVERHEAD ||
		belongs_to.len > SEAL_MAX)
		return ERR_CORRUPT;
	span body = span_sub(sealed, NONCE_SIZE, sealed.len - SEAL_OVERHEAD);

	for (size_t i = 0; i < TAG_SIZE; i++)
		tag[i] = (uint8_t)sealed.ptr[sealed.len - TAG_SIZE + i];
	if (decrypt(key, (const uint8_t *)sealed.ptr, belongs_to, body, text, tag))
		buf_add(out, span_of(text, body.len));
	else
		e = ERR_CORRUPT;
	wipe(text, sizeof(text));
	return e ? e : buf_error(out);
}
