/*
 * Whether two URLs are of one origin (RFC 6454): scheme, host and port, the port filled in from the
 * scheme. Parsed by libcurl, which is also who follows them: both see the same host.
 */
#include "net/origin.h"

#include <curl/curl.h>

#include "base/span.h"

#include "base/banned.h"

static char *url_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;

	/* A missing part stays NULL; the port is filled in from the scheme. */
	(void)curl_url_get(u, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0);
	return text;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *of_a = url_part(a, part), *of_b = url_part(b, part);
	bool same = of_a && of_b && span_eq_nocase(span_from(of_a), span_from(of_b));

	curl_free(of_a);
	curl_free(of_b);
	return same;
}

bool url_same_origin(const char *a, const char *b)
{
	CURLU *of_a = curl_url(), *of_b = curl_url();
	bool same = of_a && of_b && curl_url_set(of_a, CURLUPART_URL, a, 0) == CURLUE_OK &&
		    curl_url_set(of_b, CURLUPART_URL, b, 0) == CURLUE_OK &&
		    same_part(of_a, of_b, CURLUPART_SCHEME) &&
		    same_part(of_a, of_b, CURLUPART_HOST) && same_part(of_a, of_b, CURLUPART_PORT);

	curl_url_cleanup(of_a);
	curl_url_cleanup(of_b);
	return same;
}
