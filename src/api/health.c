/* What load balancers, monitoring and token verifiers ask of the process itself. */
#include "api/handlers.h"

#include "api/openapi.h"
#include "feed/feed.h"
#include "keyring/keyring.h"
#include "net/redis.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define METRICS_MAX_BYTES 1048576
#define JWKS_MAX_BYTES    65536

err get_health(struct request *rq)
{
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "status", "ok");
	json_end(&rq->out);
	return OK;
}

/* Asks, so that a node nobody else uses notices too that Redis is back. No reason to be unready. */
static const char *redis_word(struct redis *r)
{
	struct redis_outcome outcome;

	if (!r)
		return "off";
	return redis_check(r, &outcome) ? "unavailable" : "ok";
}

err get_readiness(struct request *rq)
{
	const struct service *s = rq->task.service;
	unsigned version;
	err e = db_schema_version(s->db, &version);

	if (e) {
		rq->task.log = err_name(e);
		return fail(&rq->task, ERR_UNAVAILABLE, "database_unavailable",
			"The database does not answer.");
	}
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "status", "ready");
	json_u64(&rq->out, "state_seq", publisher_position(s->publisher));
	json_cstr(&rq->out, "redis", redis_word(s->redis));
	json_end(&rq->out);
	return OK;
}

err get_metrics(struct request *rq)
{
	AUTO(buf) text = {0};

	buf_init(&text, METRICS_MAX_BYTES);
	metrics_write(&text);
	answer_text(rq, "text/plain; version=0.0.4; charset=utf-8", buf_span(&text));
	return buf_error(&text);
}

/* Keys rotate with an overlap of far more than this. */
err get_jwks(struct request *rq)
{
	AUTO(buf) text = {0};

	buf_init(&text, JWKS_MAX_BYTES);
	keyring_jwks(rq->task.service->keys, &text);
	answer_header(rq, "Cache-Control", SPAN("public, max-age=300"));
	answer_text(rq, "application/jwk-set+json", buf_span(&text));
	return buf_error(&text);
}

err get_openapi(struct request *rq)
{
	answer_header(rq, "Cache-Control", SPAN("public, max-age=300"));
	openapi_write(&rq->out);
	return OK;
}
