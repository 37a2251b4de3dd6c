/*
 * Decides whether the present certificate still serves, and replaces it. Hard rule: a pair that
 * does not match never reaches tls/.
 */
#include "server/tls.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "conf/conf.h"
#include "server/certificate.h"
#include "server/data_layout.h"
#include "sys/files.h"

#include "base/banned.h"

#define SERVER_PEM DATA_TLS "/server.pem"
#define SERVER_KEY DATA_TLS "/server.key"
#define CA_KEY     DATA_KEYS "/ca.key"

#define CA_LIFE    (3650 * TIME_DAY)
#define CA_RENEWAL (100 * TIME_DAY) /* before its end: it must outlive what it issues */
#define LEAF_LIFE  (90 * TIME_DAY)
#define BACKDATING TIME_HOUR /* clients' clocks are behind at times */

/* A certificate with its key, wiped in the end. */
struct pair {
	struct buf certificate, key;
};

static void pair_init(struct pair *p)
{
	buf_init(&p->certificate, CERTIFICATE_PEM_MAX);
	buf_init(&p->key, CERTIFICATE_PEM_MAX);
}

static void pair_done(struct pair *p)
{
	buf_done(&p->certificate);
	buf_wipe(&p->key);
}

static err problem(
	struct arena *a, err e, const char *path, const char *what, const char **ret_problem)
{
	*ret_problem = arena_printf(a, "%s: %s", path, what);
	return e;
}

/* What is in tls/ now; empty where there is nothing. */
static void read_present(const char *certificate, const char *key, struct pair *ret)
{
	if (file_read(certificate, &ret->certificate) != OK || file_read(key, &ret->key) != OK) {
		buf_clear(&ret->certificate);
		buf_clear(&ret->key);
	}
}

/* The key first: between the two writes a restart would find a mismatch and write both again. */
static err install(struct arena *a, const struct pair *p, const char **ret_problem)
{
	err e = file_write_atomic(SERVER_KEY, buf_span(&p->key), 0640);

	if (e != OK)
		return problem(a, e, SERVER_KEY, err_title(e), ret_problem);
	e = file_write_atomic(SERVER_PEM, buf_span(&p->certificate), 0644);
	return e == OK ? OK : problem(a, e, SERVER_PEM, err_title(e), ret_problem);
}

/* --- the administrator's own ------------------------------------------------------------------ */

static err check_named(struct arena *a, const struct conf *conf, const struct pair *p,
	int64_t now_us, const char **ret_problem)
{
	const char *certificate = conf_str(conf, CONF_TLS_CERTIFICATE);
	const char *key = conf_str(conf, CONF_TLS_KEY);
	struct certificate_names none = {.count = 0};
	struct certificate_facts facts;
	err e = certificate_inspect(
		buf_span(&p->certificate), buf_span(&p->key), SPAN_EMPTY, &none, &facts);

	if (e == ERR_INVALID)
		return problem(a, e, certificate, "holds no PEM certificate", ret_problem);
	if (e == ERR_DENIED)
		return problem(
			a, ERR_INVALID, key, "holds no unencrypted PEM private key", ret_problem);
	if (!facts.key_matches)
		return problem(a, ERR_INVALID, key,
			arena_printf(a, "is not the key of the certificate in %s", certificate),
			ret_problem);
	if (facts.until_us <= now_us)
		return problem(a, ERR_INVALID, certificate, "has expired", ret_problem);
	return OK;
}

static err use_named(struct arena *a, const struct tls_source *s, int64_t now_us, bool *ret_changed,
	const char **ret_problem)
{
	const char *certificate = conf_str(s->conf, CONF_TLS_CERTIFICATE);
	const char *key = conf_str(s->conf, CONF_TLS_KEY);
	AUTO(pair) named = {0};
	AUTO(pair) present = {0};
	err e;

	pair_init(&named);
	pair_init(&present);
	e = s->read(s->context, certificate, &named.certificate);
	if (e != OK)
		return problem(a, e, certificate, err_title(e), ret_problem);
	e = s->read(s->context, key, &named.key);
	if (e != OK)
		return problem(a, e, key, err_title(e), ret_problem);
	read_present(SERVER_PEM, SERVER_KEY, &present);
	if (span_eq(buf_span(&named.certificate), buf_span(&present.certificate)) &&
		span_eq(buf_span(&named.key), buf_span(&present.key))) {
		*ret_changed = false;
		return OK;
	}
	e = check_named(a, s->conf, &named, now_us, ret_problem);
	if (e == OK)
		e = install(a, &named, ret_problem);
	if (e == OK)
		*ret_changed = true;
	return e;
}

/* --- the local CA ----------------------------------------------------------------------------- */

static const char *host_name(struct arena *a)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return "localhost";
	return arena_strdup(a, name);
}

/* Every address of this machine that others could use; link-local ones need a zone and are not. */
static void add_interfaces(struct arena *a, struct certificate_names *names)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) != 0)
		return;
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const void *bytes = NULL;
		int family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : AF_UNSPEC;

		if (family == AF_INET)
			bytes = &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr;
		else if (family == AF_INET6) {
			bytes = &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr;
			if (IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)bytes))
				continue;
		}
		if (bytes != NULL && inet_ntop(family, bytes, text, sizeof(text)) != NULL)
			certificate_names_add(names, arena_strdup(a, text));
	}
	freeifaddrs(all);
}

/* "[::1]:443" gives "::1". */
static span address_of(span address_with_port)
{
	span host = span_sub(address_with_port, 0, span_rfind(address_with_port, ':'));

	return host.len > 2 && host.ptr[0] == '[' ? span_sub(host, 1, host.len - 2) : host;
}

static void wanted_names(struct arena *a, const struct conf *conf, struct certificate_names *ret)
{
	span names = span_from(conf_str(conf, CONF_SERVER_NAME)), word;
	span addresses = span_from(conf_str(conf, CONF_HTTPS));
	bool any = false;

	ret->count = 0;
	certificate_names_add(ret, "localhost");
	certificate_names_add(ret, "127.0.0.1");
	certificate_names_add(ret, "::1");
	certificate_names_add(ret, host_name(a));
	while (span_cut(&names, ' ', &word))
		if (word.len > 0)
			certificate_names_add(ret, arena_str(a, word));
	while (span_cut(&addresses, ' ', &word)) {
		span host = address_of(word);

		if (span_is(host, "0.0.0.0") || span_is(host, "::"))
			any = true;
		else if (host.len > 0)
			certificate_names_add(ret, arena_str(a, host));
	}
	if (any)
		add_interfaces(a, ret);
}

static bool ca_serves(const struct pair *ca, int64_t now_us)
{
	struct certificate_names none = {.count = 0};
	struct certificate_facts facts;

	return certificate_inspect(buf_span(&ca->certificate), buf_span(&ca->key),
		       buf_span(&ca->certificate), &none, &facts) == OK &&
	       facts.key_matches && facts.is_issued && now_us + CA_RENEWAL < facts.until_us;
}

/* Reads the CA or makes a new one. */
static err get_ca(struct arena *a, int64_t now_us, struct pair *ret, const char **ret_problem)
{
	const char *name;
	err e;

	read_present(DATA_CA, CA_KEY, ret);
	if (ca_serves(ret, now_us))
		return OK;
	buf_clear(&ret->certificate);
	buf_clear(&ret->key);
	name = arena_printf(a, "Slipway local CA of %.40s", host_name(a));
	e = certificate_make_ca(
		name, now_us - BACKDATING, now_us + CA_LIFE, &ret->certificate, &ret->key);
	if (e == OK)
		e = file_write_atomic(CA_KEY, buf_span(&ret->key), 0600);
	if (e == OK)
		e = file_write_atomic(DATA_CA, buf_span(&ret->certificate), 0644);
	return e == OK ? OK : problem(a, e, DATA_CA, err_title(e), ret_problem);
}

static bool leaf_serves(const struct pair *leaf, const struct pair *ca,
	const struct certificate_names *names, int64_t now_us)
{
	struct certificate_facts facts;

	return certificate_inspect(buf_span(&leaf->certificate), buf_span(&leaf->key),
		       buf_span(&ca->certificate), names, &facts) == OK &&
	       facts.key_matches && facts.is_issued && facts.has_names && facts.from_us <= now_us &&
	       now_us < facts.from_us + (facts.until_us - facts.from_us) / 3 * 2;
}

static err use_local_ca(struct arena *a, const struct conf *conf, int64_t now_us, bool *ret_changed,
	const char **ret_problem)
{
	struct certificate_names names;
	AUTO(pair) ca = {0};
	AUTO(pair) leaf = {0};
	err e;

	pair_init(&ca);
	pair_init(&leaf);
	wanted_names(a, conf, &names);
	e = get_ca(a, now_us, &ca, ret_problem);
	if (e != OK)
		return e;
	read_present(SERVER_PEM, SERVER_KEY, &leaf);
	if (leaf_serves(&leaf, &ca, &names, now_us)) {
		*ret_changed = false;
		return OK;
	}
	buf_clear(&leaf.certificate);
	buf_clear(&leaf.key);
	e = certificate_issue(buf_span(&ca.certificate), buf_span(&ca.key), &names,
		now_us - BACKDATING, now_us + LEAF_LIFE, &leaf.certificate, &leaf.key);
	if (e != OK)
		return problem(a, e, SERVER_PEM, "libcrypto cannot issue it", ret_problem);
	e = install(a, &leaf, ret_problem);
	if (e == OK)
		*ret_changed = true;
	return e;
}

err tls_update(struct arena *a, const struct tls_source *source, int64_t now_us, bool *ret_changed,
	const char **ret_problem)
{
	if (conf_str(source->conf, CONF_TLS_CERTIFICATE)[0] != '\0')
		return use_named(a, source, now_us, ret_changed, ret_problem);
	return use_local_ca(a, source->conf, now_us, ret_changed, ret_problem);
}
