#ifndef SLIPWAY_CLI_DOCTOR_H
#define SLIPWAY_CLI_DOCTOR_H

/* Findings of `slipway doctor`: each says what was looked at, what was found and what to do. */

#include <jansson.h>

#include "cli/cli.h"

struct checkup {
	struct cli *cli;
	json_t *findings; /* [{check, status, detail, remedy}] */
	unsigned problems, warnings;
};

enum finding { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };

/* check and remedy: constant; remedy may be NULL. */
void checkup_add(struct checkup *c, const char *check, enum finding finding, const char *remedy,
	const char *format, ...) PRINTF_LIKE(5, 6);

/* Looks at a data directory on this machine. */
void checkup_local(struct checkup *c, const char *data);
/* Whether the mail server of these settings takes mail. */
struct conf;
void checkup_mail(struct checkup *c, const struct conf *conf);
/* Whether the Redis of these settings, if any, can be counted in. */
void checkup_redis(struct checkup *c, const struct conf *conf);
/* End of validity of the first certificate of a PEM chain; false when it cannot be read. */
bool checkup_certificate_end(span pem, int64_t *ret_us);

#endif
