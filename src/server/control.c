/*
 * The control plane. Hard rule: parts are opened in the order in which they need each other and
 * closed in reverse; nothing answers a request before all of them stand.
 */
#include "server/control.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/quota.h"
#include "account/throttle.h"
#include "api/api.h"
#include "audit/chain.h"
#include "blob/blob.h"
#include "blob/upload_area.h"
#include "catalog/inspect.h"
#include "catalog/sandbox.h"
#include "crypto/secret.h"
#include "federation/issuers.h"
#include "feed/feed.h"
#include "jobs/jobs.h"
#include "keyring/keyring.h"
#include "net/foreign.h"
#include "net/redis.h"
#include "server/data_layout.h"
#include "server/names.h"
#include "server/shared_limits.h"
#include "service/audit.h"
#include "service/refusals.h"
#include "state/state.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/gate.h"
#include "sys/log.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define DB_WAIT_US          (5 * INT64_C(1000000))
#define STOP_TIMEOUT_US     (10 * INT64_C(1000000))
#define HASHING_QUEUE       16
#define UNAVAILABLE_PAUSE_S 1

static void observe_database(void *ctx, enum db_event event, const char *statement_name,
	int64_t duration_us, const char *engine_message)
{
	(void)ctx;
	switch (event) {
	case DB_EVENT_SLOW:
		metric_add(METRIC_DB_SLOW, NULL, 1);
		log_warn("slow statement", LOG_STR("statement", statement_name),
			LOG_INT("duration_ms", duration_us / 1000));
		break;
	case DB_EVENT_RETRY:
		metric_add(METRIC_DB_RETRIES, NULL, 1);
		log_debug("transaction run again", LOG_STR("statement", statement_name),
			LOG_STR("engine", engine_message));
		break;
	case DB_EVENT_ERROR:
		log_warn("database error", LOG_STR("statement", statement_name),
			LOG_STR("engine", engine_message));
		break;
	}
}

/* "sqlite" means the file in the data directory; anything else is a URL already. */
static const char *database_url(const struct conf *conf)
{
	const char *setting = conf_str(conf, CONF_DATABASE);

	return strcmp(setting, "sqlite") == 0 ? "sqlite:" DATA_SQLITE : setting;
}

/* A database server that is not up yet is waited for: after a power cut all start at once. */
static err open_database(const struct conf *conf, unsigned tries, struct db **ret)
{
	struct db_options options = {
		.url = database_url(conf),
		.max_sessions = (unsigned)conf_int(conf, CONF_DB_SESSIONS),
		.wait_us = DB_WAIT_US,
		.slow_us = conf_int(conf, CONF_DB_SLOW),
		.observer = observe_database,
	};
	err e = ERR_UNAVAILABLE;

	for (unsigned i = 0; i < tries && e == ERR_UNAVAILABLE; i++) {
		if (i > 0)
			(void)sleep(UNAVAILABLE_PAUSE_S); /* a signal ends the wait early: fine */
		e = db_open(&options, ret);
	}
	return e;
}

static err migrate(struct db *db)
{
	unsigned applied = 0;
	err e = db_migrate(db, &applied);

	if (!e && applied)
		log_info("database schema brought up to date", LOG_INT("migrations", applied));
	return e;
}

static err open_foreign(const struct conf *conf, struct foreign **ret)
{
	return foreign_new(
		&(struct foreign_settings){
			.allowed = span_from(conf_str(conf, CONF_NET_ALLOWED)),
			.insecure_loopback = conf_bool(conf, CONF_NET_LOOPBACK),
			.ca_file = conf_str(conf, CONF_NET_CA_FILE),
		},
		ret);
}

static err open_audit(const struct conf *conf, struct db *db, struct audit_log **ret)
{
	err e = dir_make(DATA_AUDIT, 0700);

	return e ? e
		 : audit_log_open(
			   &(struct audit_log_options){
				   .db = db,
				   .keys_dir = DATA_KEYS,
				   .file = DATA_AUDIT_KEPT,
				   .keep_interval_us = conf_int(conf, CONF_AUDIT_CHECKPOINTS),
				   .now_us = clock_wall_us(),
			   },
			   ret);
}

err control_open_database(const struct conf *conf, unsigned tries, struct db **ret)
{
	struct db *db = NULL;
	err e = open_database(conf, tries, &db);

	if (!e)
		e = migrate(db);
	if (e) {
		db_close(db);
		return e;
	}
	*ret = db;
	return OK;
}

static err open_parts(
	const struct conf *conf, unsigned tries, struct service *s, const char **ret_part)
{
	uint64_t seq = 0;
	err e;

	*ret_part = "the database";
	e = open_database(conf, tries, &s->db);
	if (!e)
		e = migrate(s->db);
	if (e)
		return e;
	*ret_part = "the published state";
	e = state_open(DATA_STATE, STATE_WRITE, &s->state);
	if (e)
		return e;
	*ret_part =
		"keys/, which must be that of the database's other nodes (operations: Two nodes),";
	struct key_place place = {
		DATA_KEYS, conf_str(conf, CONF_PKCS11_MODULE), conf_str(conf, CONF_PKCS11_PIN)};

	e = keyring_open(&place, s->db, clock_wall_us(), &s->keys, &seq);
	if (e)
		return e;
	*ret_part = "the audit log";
	e = open_audit(conf, s->db, &s->audit);
	if (e)
		return e;
	*ret_part = "the publisher";
	e = publisher_start(s->db, s->state, &s->publisher);
	if (e)
		return e;
	*ret_part = "the package store";
	e = blob_local_open(DATA_BLOBS, DATA_QUARANTINE, &s->blobs);
	if (e)
		return e;
	*ret_part = "the upload area";
	e = upload_area_open(
		DATA_UPLOADS, (unsigned)conf_int(conf, CONF_UPLOAD_SLOTS), &s->uploads);
	if (e)
		return e;
	*ret_part = "the client for identity providers (net.ca_file, net.allowed_private)";
	e = open_foreign(conf, &s->foreign);
	if (!e)
		s->issuers = issuers_new(s->foreign);
	return e;
}

err control_open(
	const struct conf *conf, unsigned tries, struct control *ret, const char **ret_problem)
{
	struct control c = {0};

	c.service.conf = conf;
	c.service.issuer = names_issuer(conf);
	c.service.pool = POOL_NAME;
	c.service.edge = EDGE_NAME;
	c.service.refusals = refusals_new();
	c.service.hashing = gate_new((unsigned)conf_int(conf, CONF_LOGIN_WORKERS), HASHING_QUEUE);
	c.service.quotas = quotas_new();
	c.service.sign_ins = throttle_new(
		(unsigned)conf_int(conf, CONF_LOGIN_ATTEMPTS), conf_int(conf, CONF_LOGIN_WINDOW));
	err e = open_parts(conf, tries, &c.service, ret_problem);

	if (e) {
		control_close(&c);
		return e;
	}
	*ret = c;
	return OK;
}

void control_close(struct control *c)
{
	struct service *s = &c->service;

	issuers_free(s->issuers);
	foreign_free(s->foreign);
	upload_area_free(s->uploads);
	blob_store_free(s->blobs);
	publisher_stop(s->publisher);
	keyring_close(s->keys);
	state_close(s->state);
	audit_log_close(s->audit);
	db_close(s->db);
	refusals_free(s->refusals);
	throttle_free(s->sign_ins);
	quotas_free(s->quotas);
	redis_free(s->redis);
	gate_free(s->hashing);
	*c = (struct control){0};
}

/* Blocks the signals that end the process in all threads; they are taken by wait_for_stop(). */
static void hold_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
	/* A client that went away is seen by the write that fails, not by a signal. */
	(void)signal(SIGPIPE, SIG_IGN);
}

static void wait_for_stop(const sigset_t *signals)
{
	int number;

	while (sigwait(signals, &number) != 0)
		continue;
	log_info("stopping", LOG_INT("signal", number));
}

/* When nothing is going on any more: what was done last is sealed and kept outside. */
static void seal_audit(struct service *service)
{
	struct caller nobody = {.kind = CALLER_ANONYMOUS};
	AUTO_PTR(arena) a = arena_new();
	struct task t = {
		.service = service, .caller = &nobody, .arena = a, .now_us = clock_wall_us()};
	err e = audit_tick(&t, true);

	if (e)
		log_warn("the audit log is not sealed to its end", LOG_ERR(e));
}

int control_main(const struct conf *conf)
{
	struct control control;
	struct api_server *server = NULL;
	struct jobs *jobs = NULL;
	const char *part = "";
	sigset_t signals;

	hold_signals(&signals);
	sandbox_use_fresh_program(INSPECT_PROGRAM);
	err e = control_open(conf, CONTROL_TRIES, &control, &part);

	if (e) {
		log_error("the control plane cannot start", LOG_STR("part", part), LOG_ERR(e));
		return err_exit_code(e);
	}
	e = shared_limits_open(&control.service);
	if (!e)
		e = api_server_start(&control.service, DATA_SOCKET, &server);
	if (!e)
		e = jobs_start(&control.service, &jobs);
	if (e)
		log_error("the API cannot start", LOG_ERR(e));
	else
		log_info("control plane ready");
	if (!e)
		wait_for_stop(&signals);
	api_server_stop(server, STOP_TIMEOUT_US);
	jobs_stop(jobs);
	seal_audit(&control.service);
	control_close(&control);
	return err_exit_code(e);
}
