#ifndef SLIPWAY_CLI_SESSION_H
#define SLIPWAY_CLI_SESSION_H

/*
 * The conversation with the server: which one, as whom, and what to say when it refuses. Opened by
 * the first call of a command, closed with the arena of the run.
 */

#include <jansson.h>

#include "cli/cli.h"
#include "cli/credentials.h"
#include "net/http.h"

#define API "/api/v1"

enum session_identity {
	IDENTITY_NOBODY,
	IDENTITY_GIVEN,     /* --token, --api-key or their environment */
	IDENTITY_SIGNED_IN, /* slipway login */
	IDENTITY_JOB,       /* a CI job (cli/ci_token.h) */
};

struct session {
	struct http *http;
	const char *server; /* "https://host:port" */
	const char *ca_file;
	enum session_identity identity;
	const char *bearer;        /* with IDENTITY_GIVEN; IDENTITY_JOB: NULL until needed */
	int64_t bearer_expires_us; /* with IDENTITY_JOB, as is scope: what it permits */
	const char *scope;
	struct credentials credentials; /* with IDENTITY_SIGNED_IN */
	json_t *problem;                /* the document of the last refusal, or NULL */
	int64_t interrupted_us;         /* monotonic: when Ctrl-C was noticed; 0: not */
};

/* The session of this run; fails with words when no server is known. */
err session_get(struct cli *cli, struct session **ret) MUST_USE;
/* As session_get for commands that begin a sign-in: nothing stored is used but the server. */
err session_get_anonymous(struct cli *cli, struct session **ret) MUST_USE;

/*
 * Sends rq (its headers get the credentials added; at most SESSION_HEADERS of its own) and renews
 * the sign-in where that is due. Fails with words. a as for http_send.
 */
#define SESSION_HEADERS 8
err session_send(struct cli *cli, const struct http_request *rq, struct http_answer *a) MUST_USE;
/* As session_send, but leaves the words to the caller, who knows more (session_explain). */
err session_try(struct cli *cli, const struct http_request *rq, struct http_answer *a) MUST_USE;
/* Turns a failed answer into the words of the command's failure; returns e. */
err session_explain(struct cli *cli, err e, const struct http_answer *a);

/*
 * A call of the API: path below /api/v1, body (borrowed, may be NULL) as JSON, the answer (given;
 * NULL for 204). Fails with words. Where the server wants a fresh proof of who is there, and there
 * is a terminal to ask on, it is given and the call sent again.
 */
err session_call(struct cli *cli, const char *method, const char *path, const json_t *body,
	json_t **ret) MUST_USE;

/* POST without credentials. Takes body, which may hold secrets: session_call wipes its text. */
err session_call_as_anybody(struct cli *cli, const char *path, json_t *body, json_t **ret) MUST_USE;

/*
 * Gives a refresh token back that nobody will use: its session ends at the server. Best effort; at
 * least as anybody (session_get_anonymous) somebody must have spoken to it.
 */
void session_give_back(struct cli *cli, const char *refresh_token);

/* New tokens now: after a change that they should know of. OK where nobody is signed in. */
err session_renew(struct cli *cli) MUST_USE;

/* An absolute URL of the server for a path. */
const char *session_url(struct cli *cli, const struct session *s, const char *path);

/* Takes over the tokens of a sign-in's answer; ERR_CORRUPT when they are not there. */
err session_store_tokens(
	struct cli *cli, struct session *s, const char *email, const json_t *tokens) MUST_USE;

#endif
