/*
 * Certificates by libcrypto. Hard rule: the extensions say the least that works (RFC 5280): the CA
 * signs leaves only, a leaf is good for TLS servers only.
 */
#include "server/certificate.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/time.h"

#include "base/banned.h"

#define SERIAL_BYTES 16

#define DEFINE_CLEANUP(type, name)                                                                 \
	static void name##_cleanup(type **p)                                                       \
	{                                                                                          \
		name##_free(*p);                                                                   \
	}
DEFINE_CLEANUP(X509, X509)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY)
#define AUTO_X509 __attribute__((cleanup(X509_cleanup))) X509
#define AUTO_PKEY __attribute__((cleanup(EVP_PKEY_cleanup))) EVP_PKEY

static void bio_cleanup(BIO **b)
{
	(void)BIO_free(*b);
}
#define AUTO_BIO __attribute__((cleanup(bio_cleanup))) BIO

void certificate_names_add(struct certificate_names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->name[i], name) == 0)
			return;
	if (n->count < CERTIFICATE_MAX_NAMES)
		n->name[n->count++] = name;
}

/* Encrypted keys are refused instead of asking on a terminal. */
static int no_password(char *text UNUSED, int size UNUSED, int writing UNUSED, void *user UNUSED)
{
	return -1;
}

static X509 *read_certificate(span pem)
{
	AUTO_BIO *in = BIO_new_mem_buf(pem.ptr, (int)MIN(pem.len, CERTIFICATE_PEM_MAX));

	return in != NULL ? PEM_read_bio_X509(in, NULL, no_password, NULL) : NULL;
}

static EVP_PKEY *read_key(span pem)
{
	AUTO_BIO *in = BIO_new_mem_buf(pem.ptr, (int)MIN(pem.len, CERTIFICATE_PEM_MAX));

	return in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
}

/* Appends what was written to the BIO and wipes it there. */
static err take_text(BIO *from, struct buf *to)
{
	char *text = NULL;
	long len = BIO_get_mem_data(from, &text);

	if (len <= 0)
		return ERR_BUG;
	buf_add(to, span_of(text, (size_t)len));
	OPENSSL_cleanse(text, (size_t)len);
	return buf_error(to);
}

static err write_pair(
	X509 *certificate, EVP_PKEY *pair, struct buf *ret_certificate, struct buf *ret_key)
{
	AUTO_BIO *public = BIO_new(BIO_s_mem());
	AUTO_BIO *private = BIO_new(BIO_s_mem());
	err e;

	if (public == NULL || private == NULL || PEM_write_bio_X509(public, certificate) != 1 ||
		PEM_write_bio_PKCS8PrivateKey(private, pair, NULL, NULL, 0, NULL, NULL) != 1)
		return ERR_BUG;
	e = take_text(public, ret_certificate);
	return e == OK ? take_text(private, ret_key) : e;
}

static bool add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, c, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension != NULL && X509_add_ext(c, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_serial(X509 *c)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool set;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of full length */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c)) != NULL;
	BN_free(number);
	return set;
}

/* Everything but issuer, extensions and signature. */
static bool fill_certificate(
	X509 *c, const char *common_name, EVP_PKEY *public, int64_t from_us, int64_t until_us)
{
	X509_NAME *subject = X509_get_subject_name(c);

	return X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) &&
	       ASN1_TIME_set(X509_getm_notBefore(c), from_us / TIME_SECOND) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(c), until_us / TIME_SECOND) != NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		       (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_pubkey(c, public) == 1;
}

err certificate_make_ca(const char *common_name, int64_t from_us, int64_t until_us,
	struct buf *certificate, struct buf *key)
{
	AUTO_PKEY *pair = EVP_EC_gen("P-256");
	AUTO_X509 *c = X509_new();

	if (pair == NULL || c == NULL ||
		!fill_certificate(c, common_name, pair, from_us, until_us) ||
		X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
		!add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
		!add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
		!add_extension(c, c, NID_subject_key_identifier, "hash") ||
		X509_sign(c, pair, EVP_sha256()) == 0)
		return ERR_BUG;
	return write_pair(c, pair, certificate, key);
}

static bool is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool add_names(X509 *c, X509 *issuer, const struct certificate_names *names)
{
	char memory[CERTIFICATE_MAX_NAMES * 260];
	struct buf list;

	buf_init_fixed(&list, memory, sizeof(memory));
	for (size_t i = 0; i < names->count; i++)
		buf_addf(&list, "%s%s:%s", i > 0 ? "," : "",
			is_address(names->name[i]) ? "IP" : "DNS", names->name[i]);
	return buf_error(&list) == OK &&
	       add_extension(c, issuer, NID_subject_alt_name, buf_str(&list));
}

err certificate_issue(span ca_certificate, span ca_key, const struct certificate_names *names,
	int64_t from_us, int64_t until_us, struct buf *certificate, struct buf *key)
{
	AUTO_X509 *ca = read_certificate(ca_certificate);
	AUTO_PKEY *signer = read_key(ca_key);
	AUTO_PKEY *pair = EVP_EC_gen("P-256");
	AUTO_X509 *c = X509_new();

	if (ca == NULL || signer == NULL || X509_check_private_key(ca, signer) != 1)
		return ERR_INVALID;
	if (pair == NULL || c == NULL || names->count == 0 ||
		!fill_certificate(c, "Slipway", pair, from_us, until_us) ||
		X509_set_issuer_name(c, X509_get_subject_name(ca)) != 1 ||
		!add_extension(c, ca, NID_basic_constraints, "critical,CA:FALSE") ||
		!add_extension(c, ca, NID_key_usage, "critical,digitalSignature") ||
		!add_extension(c, ca, NID_ext_key_usage, "serverAuth") ||
		!add_extension(c, ca, NID_subject_key_identifier, "hash") ||
		!add_extension(c, ca, NID_authority_key_identifier, "keyid:always") ||
		!add_names(c, ca, names) || X509_sign(c, signer, EVP_sha256()) == 0)
		return ERR_BUG;
	return write_pair(c, pair, certificate, key);
}

static bool time_of(const ASN1_TIME *t, int64_t *ret_us)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(t, &parts) != 1)
		return false;
	*ret_us = (int64_t)timegm(&parts) * TIME_SECOND;
	return true;
}

static bool covers(X509 *c, const char *name)
{
	if (is_address(name))
		return X509_check_ip_asc(c, name, 0) == 1;
	/* A wildcard among the wanted names is compared as the text it is. */
	if (name[0] == '*')
		return X509_check_host(
			       c, name + 1, 0, X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS, NULL) == 1;
	return X509_check_host(c, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

static bool covers_all(X509 *c, const struct certificate_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (!covers(c, names->name[i]))
			return false;
	return true;
}

static bool is_signed_by(X509 *c, span issuer)
{
	AUTO_X509 *ca = issuer.len > 0 ? read_certificate(issuer) : NULL;

	return ca != NULL && X509_check_issued(ca, c) == X509_V_OK &&
	       X509_verify(c, X509_get0_pubkey(ca)) == 1;
}

err certificate_inspect(span chain, span key, span issuer, const struct certificate_names *names,
	struct certificate_facts *ret)
{
	AUTO_X509 *c = read_certificate(chain);
	AUTO_PKEY *pair = read_key(key);
	struct certificate_facts facts = {0};

	if (c == NULL || !time_of(X509_get0_notBefore(c), &facts.from_us) ||
		!time_of(X509_get0_notAfter(c), &facts.until_us))
		return ERR_INVALID;
	if (pair == NULL)
		return ERR_DENIED;
	facts.key_matches = X509_check_private_key(c, pair) == 1;
	facts.is_issued = is_signed_by(c, issuer);
	facts.has_names = covers_all(c, names);
	*ret = facts;
	return OK;
}
