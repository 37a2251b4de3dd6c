/*
 * Whether limits can be counted in Redis. If not, that is a warning: each node counts for itself.
 */
#include "cli/doctor.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "conf/conf.h"
#include "conf/redis_url.h"
#include "crypto/secret.h"
#include "net/networks.h"
#include "net/redis.h"
#include "sys/files.h"

#include "base/banned.h"

#define PASSWORD_MAX 1024
#define SHOWN_MAX    2048

static void check_file(struct checkup *c, const char *file)
{
	struct buf password;
	bool wide = false;

	buf_init(&password, PASSWORD_MAX);
	if (*file && secret_file_read(file, &password, &wide) == OK && wide)
		checkup_add(c, "redis", FINDING_WARNING, "chmod 600", "%s is open to others", file);
	buf_wipe(&password);
}

/* There is no TLS. A name may lead anywhere: nothing is said about it. */
static void check_network(struct checkup *c, const struct redis_url *url, const char *shown)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool is_v4 = inet_pton(AF_INET, url->host, &v4.sin_addr) == 1;
	bool is_v6 = inet_pton(AF_INET6, url->host, &v6.sin6_addr) == 1;

	if ((is_v4 && address_is_public((struct sockaddr *)&v4)) ||
		(is_v6 && address_is_public((struct sockaddr *)&v6)))
		checkup_add(c, "redis", FINDING_WARNING,
			"reach it by a private network or a TLS tunnel on this machine",
			"%s is spoken to in the clear, across the Internet", shown);
}

void checkup_redis(struct checkup *c, const struct conf *conf)
{
	const struct redis_settings settings = {.url = conf_str(conf, CONF_REDIS_URL),
		.password_file = conf_str(conf, CONF_REDIS_PASSWORD)};
	AUTO_PTR(redis) r = NULL;
	struct redis_outcome outcome;
	struct redis_url url;
	AUTO(buf) shown = {0};

	if (!*settings.url) /* one node needs none */
		return;
	if (redis_new(&settings, &r) || redis_url_parse(span_from(settings.url), &url)) {
		checkup_add(c, "redis", FINDING_PROBLEM, "see redis.url", "redis.url is no URL");
		return;
	}
	buf_init(&shown, SHOWN_MAX);
	redis_url_show(&url, &shown);
	if (redis_check(r, &outcome))
		checkup_add(c, "redis", FINDING_WARNING,
			"until it answers each node counts limits for itself; see redis.*",
			"%s: %s", buf_str(&shown), outcome.detail);
	else
		checkup_add(c, "redis", FINDING_OK, NULL, "%s answers and permits what is needed",
			buf_str(&shown));
	check_network(c, &url, buf_str(&shown));
	check_file(c, settings.password_file);
	wipe(&url, sizeof(url));
}
