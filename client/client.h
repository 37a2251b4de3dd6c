#ifndef SLIPWAY_CLIENT_CLIENT_H
#define SLIPWAY_CLIENT_CLIENT_H

/*
 * Inside libslipway. Functions return `err` and leave the words in s->problem; the public ones turn
 * it into a status at the border (status_of).
 */

#include <jansson.h>

#include "base/arena.h"
#include "net/http.h"
#include "slipway.h"

struct slipway {
	struct arena *arena; /* copies of the settings, texts of the device */
	struct slipway_settings settings;
	const char *state_dir;
	const char *os, *arch; /* of settings.platform */
	struct http *http;
	struct slipway_problem problem;
};

enum slipway_status status_of(err e);

/* ERR_INVALID with words unless server, product, platform and installed version are set. */
err client_ready(struct slipway *s) MUST_USE;
/* Leaves the words and returns e. */
err client_fail(struct slipway *s, err e, const char *code, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* The words of a failed answer. */
err client_explain(struct slipway *s, err e, const struct http_answer *a);
void client_note(struct slipway *s, const char *format, ...) PRINTF_LIKE(2, 3);
bool client_cancelled(const struct slipway *s);

/*
 * A call of the API: path below /api/v1, bearer may be NULL, body (borrowed) may be NULL. The
 * answer (given) is NULL for one without a body. *ret_status may be NULL.
 */
struct client_call {
	const char *method, *path, *bearer;
	const json_t *body;
	bool idempotent;
};
err client_call(
	struct slipway *s, const struct client_call *call, json_t **ret, int *ret_status) MUST_USE;

/* A text member in arena a, or NULL. */
const char *member_text(struct arena *a, const json_t *object, const char *name);

#endif
