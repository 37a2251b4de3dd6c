/* What log and metrics say of Redis: one line when it goes and one when it is back. */
#include "server/shared_limits.h"

#include "account/limit.h"
#include "account/quota.h"
#include "account/throttle.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "keyring/keyring.h"
#include "sys/log.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define SERVICE "redis"

static void log_away(const char *message, const struct redis_outcome *o)
{
	log_warn(message, LOG_STR("reason", o->failure), LOG_STR("detail", o->detail));
}

static void observe(void *ctx, const struct redis_outcome *o)
{
	(void)ctx;
	metric_observe_us(METRIC_REDIS_SECONDS, NULL, o->duration_us);
	if (o->failure)
		metric_add(METRIC_REDIS_FAILURES, o->failure, 1);
	if (!o->changed)
		return;
	metric_set(METRIC_CIRCUIT_OPEN, SERVICE, o->failure != NULL);
	if (o->failure)
		log_away("Redis is away: this node counts limits for itself", o);
	else
		log_info("Redis is back: limits are counted together");
}

err shared_limits_open(struct service *s)
{
	const struct redis_settings settings = {.url = conf_str(s->conf, CONF_REDIS_URL),
		.password_file = conf_str(s->conf, CONF_REDIS_PASSWORD),
		.observer = observe};
	struct redis_outcome first;
	uint8_t key[SHA256_SIZE];

	if (!*settings.url)
		return OK;
	err e = redis_new(&settings, &s->redis);

	if (e)
		return e;
	metric_set(METRIC_CIRCUIT_OPEN, SERVICE, 0);
	keyring_derive(s->keys, "limits", key);
	const struct limit_sharing sharing = {.redis = s->redis, .key = key};

	throttle_share(s->sign_ins, &sharing);
	quotas_share(s->quotas, &sharing);
	wipe(key, sizeof(key));
	if (redis_check(s->redis, &first))
		log_away("Redis does not answer yet: this node counts limits for itself", &first);
	return OK;
}
