#ifndef SLIPWAY_CLI_CI_TOKEN_H
#define SLIPWAY_CLI_CI_TOKEN_H

/*
 * Jobs of a CI provider: what they have instead of a sign-in. The provider's token comes from
 * --id-token-file or SLIPWAY_ID_TOKEN, or in GitHub Actions is asked for with what the runner has
 * put into the environment. The server exchanges it for an access token, which is used for this run
 * and kept nowhere. SLIPWAY_WORKLOAD names the workload identity, SLIPWAY_AUDIENCE what the token
 * is asked for, where the server's own address is not it.
 */

#include "cli/session.h"

/* The job has been given a token for us: it counts before a stored sign-in. */
bool ci_token_is_given(const struct cli *cli);
/* GitHub Actions would give one. Anew, too, when the access token has ended. */
bool ci_token_can_be_asked_for(void);

/* Exchanges: sets s->bearer, s->bearer_expires_us and s->scope. Fails with words. */
err ci_token_exchange(struct cli *cli, struct session *s) MUST_USE;

/* What a job that has nothing should be given, in cli->arena; NULL: this is no CI job. */
const char *ci_token_advice(struct cli *cli, const struct session *s);

#endif
