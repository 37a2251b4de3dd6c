/*
 * A control plane for tests of the API: the real parts and the real server on a unix socket,
 * without nginx and the supervisor. Prints the set-up token and "ready", and runs until SIGTERM.
 * Usage: api_server DIRECTORY DATABASE-URL SOCKET [NAME=VALUE …]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/throttle.h"
#include "api/api.h"
#include "feed/feed.h"
#include "keyring/keyring.h"
#include "service/setup.h"
#include "state/state.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/gate.h"
#include "sys/log.h"

#define MUST(expression) must((expression), #expression)

static void must(err e, const char *what)
{
	if (!e)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err_name(e));
	exit(1);
}

static void on_event(void *ctx UNUSED, enum db_event event UNUSED, const char *statement_name,
	int64_t duration_us UNUSED, const char *engine_message)
{
	if (event == DB_EVENT_ERROR)
		log_warn("database", LOG_STR("statement", statement_name),
			LOG_STR("engine", engine_message));
}

static void open_parts(struct service *s, const char *dir, const char *url)
{
	struct db_options options = {.url = url,
		.max_sessions = 8,
		.wait_us = 5000000,
		.slow_us = 1000000,
		.observer = on_event};
	AUTO_PTR(arena) a = arena_new();
	char *keys = arena_printf(a, "%s/keys", dir), *state = arena_printf(a, "%s/state", dir);
	unsigned applied;
	uint64_t seq;

	MUST(dir_make(keys, 0700));
	MUST(dir_make(state, 0700));
	MUST(db_open(&options, &s->db));
	MUST(db_migrate(s->db, &applied));
	MUST(state_open(state, STATE_WRITE, &s->state));
	MUST(keyring_open(keys, s->db, clock_wall_us(), &s->keys, &seq));
	MUST(publisher_start(s->db, s->state, &s->publisher));
	MUST(publisher_wait(s->publisher, seq, 10000000));
	s->hashing = gate_new((unsigned)conf_int(s->conf, CONF_LOGIN_WORKERS), 64);
	s->sign_ins = throttle_new((unsigned)conf_int(s->conf, CONF_LOGIN_ATTEMPTS),
		conf_int(s->conf, CONF_LOGIN_WINDOW));
	s->issuer = "https://slipway.test";
	s->pool = "slipway";
	s->edge = "origin";
}

static void close_parts(struct service *s)
{
	publisher_stop(s->publisher);
	throttle_free(s->sign_ins);
	gate_free(s->hashing);
	keyring_close(s->keys);
	state_close(s->state);
	db_close(s->db);
}

int main(int argc, char **argv)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(conf) conf = NULL;
	struct service s = {0};
	struct api_server *server;
	const char *problem = "";
	char token[SETUP_TOKEN_SIZE];
	sigset_t stop;
	int signal_number;

	if (argc < 4)
		return 2;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	log_init("api_server", LOG_INFO_LEVEL, 2);
	if (conf_load(a, "/nonexistent", (const char *const *)argv + 4, (size_t)argc - 4, &conf,
		    &problem)) {
		(void)fprintf(stderr, "%s\n", problem);
		return 2;
	}
	s.conf = conf;
	open_parts(&s, argv[1], argv[2]);
	MUST(setup_token_make(s.db, token));
	MUST(api_server_start(&s, argv[3], &server));
	(void)printf("%s\nready\n", token);
	(void)fflush(stdout);
	(void)sigwait(&stop, &signal_number);
	api_server_stop(server, 5000000);
	close_parts(&s);
	return 0;
}
