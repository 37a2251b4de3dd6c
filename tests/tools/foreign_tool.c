/*
 * For tests of the client for foreign URLs against real servers.
 *
 *   foreign-tool [--allow NETWORKS] [--ca FILE] [--resolve HOST:PORT:ADDRESS] [--max BYTES]
 *                [--time MILLISECONDS] [--times N] [--post BODY] URL
 *
 * Writes a line for each request: the error's name, the code, the status, the body's length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign.h"

static int usage(void)
{
	(void)fputs("usage: foreign-tool [--OPTION VALUE]… URL\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct foreign_settings settings = {0};
	struct foreign_request rq = {0};
	struct http_answer answer;
	struct foreign *f;
	unsigned long times = 1;
	int i = 1;

	for (; i + 1 < argc; i += 2) {
		const char *option = argv[i], *value = argv[i + 1];

		if (strcmp(option, "--allow") == 0)
			settings.allowed = span_from(value);
		else if (strcmp(option, "--ca") == 0)
			settings.ca_file = value;
		else if (strcmp(option, "--resolve") == 0)
			settings.resolve = value;
		else if (strcmp(option, "--max") == 0)
			rq.body_max = strtoul(value, NULL, 10);
		else if (strcmp(option, "--time") == 0)
			rq.time_us = (int64_t)strtoul(value, NULL, 10) * 1000;
		else if (strcmp(option, "--times") == 0)
			times = strtoul(value, NULL, 10);
		else if (strcmp(option, "--post") == 0)
			rq.body = span_from(value);
		else
			return usage();
	}
	if (i != argc - 1)
		return usage();
	rq.url = argv[i];
	if (foreign_new(&settings, &f) != OK)
		return usage();
	http_answer_init(&answer);
	while (times--) {
		err e = foreign_send(f, &rq, &answer);

		printf("%s %s %d %zu %s\n", err_name(e), *answer.code ? answer.code : "-",
			answer.status, buf_len(&answer.body), buf_str(&answer.detail));
	}
	http_answer_done(&answer);
	foreign_free(f);
	return 0;
}
