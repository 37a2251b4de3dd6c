/*
 * When a certificate ends. A file of its own: OpenSSL's headers and conf/conf.h use the same names.
 */
#include "cli/doctor.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/time.h"

#include "base/banned.h"

bool checkup_certificate_end(span pem, int64_t *ret_us)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool good = certificate && epoch &&
		    ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1;

	ASN1_TIME_free(epoch);
	X509_free(certificate);
	BIO_free(bio);
	*ret_us = (int64_t)days * TIME_DAY + (int64_t)seconds * TIME_SECOND;
	return good;
}
