/*
 * `slipway init`. Hard rule: slipway.conf is written last, so that a directory with one is
 * complete; an init that was interrupted is simply run again.
 */
#include "server/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "account/account.h"
#include "base/encode.h"
#include "conf/conf.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/accounts.h"
#include "server/control.h"
#include "server/data_layout.h"
#include "service/service_queries.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

#define CONF_TEXT_MAX 65536
#define TOKEN_BYTES   32
#define SETUP_PREFIX  "sls_"

struct first_admin {
	struct arena *arena;
	struct account account;
};

static err insert_admin(struct db_tx *tx, void *arg)
{
	struct first_admin *f = arg;

	return account_insert(tx, f->arena, &f->account);
}

static err make_admin(
	struct arena *a, struct db *db, const struct init_plan *plan, const char **ret_problem)
{
	struct first_admin f = {.arena = a};
	char id[TYPEID_SIZE];
	AUTO(buf) hash = {0};
	err e;

	buf_init(&hash, PASSWORD_HASH_MAX);
	e = password_hash(plan->admin_password, &hash);
	if (e)
		return e;
	random_id("acc", clock_wall_us(), id);
	f.account = (struct account){
		.id = span_from(id),
		.email = span_from(plan->admin_email),
		.role = SPAN("admin"),
		.password_hash = buf_span(&hash),
		.created_at_us = clock_wall_us(),
	};
	e = db_transact(db, DB_WRITE, insert_admin, &f);
	if (e == ERR_CONFLICT)
		*ret_problem = arena_printf(
			a, "The database has an account for %s already.", plan->admin_email);
	return e;
}

static err put_setup_token(struct db_tx *tx, void *arg)
{
	return db_exec(tx, setup_put, DB_CSTR(arg));
}

/* Only the token's digest is kept; the token itself is shown once. */
static err make_setup_token(struct arena *a, struct db *db, const char **ret_token)
{
	uint8_t secret[TOKEN_BYTES], digest[SHA256_SIZE];
	AUTO(buf) token = {0};
	AUTO(buf) hex = {0};

	buf_init(&token, 64);
	buf_init(&hex, SHA256_HEX);
	random_bytes(secret, sizeof(secret));
	buf_add_str(&token, SETUP_PREFIX);
	base64url_encode(&token, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
	sha256(buf_span(&token), digest);
	hex_encode(&hex, span_of(digest, sizeof(digest)));
	*ret_token = arena_str(a, buf_span(&token));
	return db_transact(db, DB_WRITE, put_setup_token, arena_str(a, buf_span(&hex)));
}

static err check_plan(struct arena *a, const struct init_plan *plan, const char **ret_problem)
{
	const char *problem;

	if (path_exists(arena_printf(a, "%s/%s", plan->data, DATA_CONF))) {
		*ret_problem = arena_printf(a,
			"%s holds a Slipway server already; start it with `slipway serve --data "
			"%s`.",
			plan->data, plan->data);
		return ERR_CONFLICT;
	}
	if (!plan->admin_email)
		return OK;
	if (!email_is_valid(span_from(plan->admin_email))) {
		*ret_problem = arena_printf(a, "\"%s\" is no e-mail address.", plan->admin_email);
		return ERR_INVALID;
	}
	problem = password_problem(plan->admin_password, span_from(plan->admin_email));
	if (problem)
		*ret_problem = arena_printf(a, "The administrator's password: %s", problem);
	return problem ? ERR_INVALID : OK;
}

/* The commented reference of all settings, with the database's line live. */
static err write_conf(const char *database)
{
	AUTO(buf) text = {0};

	buf_init(&text, CONF_TEXT_MAX);
	buf_addf(&text, "database = %s\n\n", database);
	conf_write_template(&text);
	return buf_error(&text) ? buf_error(&text)
				: file_write_atomic(DATA_CONF, buf_span(&text), 0640);
}

static err fill(struct arena *a, const struct init_plan *plan, struct init_result *ret,
	const char **ret_problem)
{
	const char *override = arena_printf(a, "database=%s", plan->database);
	AUTO_PTR(conf) conf = NULL;
	struct control control;
	const char *part;
	err e = conf_load(a, DATA_CONF, &override, 1, &conf, ret_problem);

	if (e)
		return e;
	e = control_open(conf, &control, &part);
	if (e) {
		*ret_problem = arena_printf(a, "%s cannot be opened: %s.", part, err_title(e));
		return e;
	}
	e = plan->admin_email ? make_admin(a, control.service.db, plan, ret_problem)
			      : make_setup_token(a, control.service.db, &ret->setup_token);
	control_close(&control);
	return e ? e : write_conf(plan->database);
}

/* As root everything is made as root and handed to the accounts that will use it. */
static err hand_over(struct arena *a, const char **ret_problem)
{
	struct accounts accounts;
	err e = accounts_find(a, &accounts, ret_problem);

	return e ? e : data_layout_fix(a, &accounts, ret_problem);
}

err init_run(struct arena *a, const struct init_plan *plan, struct init_result *ret,
	const char **ret_problem)
{
	err e = check_plan(a, plan, ret_problem);

	if (!e)
		e = data_layout_make(a, plan->data, ret_problem);
	if (e)
		return e;
	if (chdir(plan->data) != 0) {
		*ret_problem = arena_printf(a, "%s: %s", plan->data, strerror(errno));
		return err_from_errno(errno);
	}
	*ret = (struct init_result){0};
	*ret_problem = NULL;
	e = fill(a, plan, ret, ret_problem);
	if (!e)
		e = hand_over(a, ret_problem);
	if (e && !*ret_problem)
		*ret_problem = arena_printf(a, "%s: %s.", plan->data, err_title(e));
	return e;
}
