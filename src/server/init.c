/*
 * `slipway init`. Hard rule: slipway.conf is written last, so that a directory with one is
 * complete; an init that was interrupted is simply run again.
 */
#include "server/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "account/account.h"
#include "conf/conf.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include "server/accounts.h"
#include "server/control.h"
#include "server/data_layout.h"
#include "service/setup.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

#define CONF_TEXT_MAX 65536

/* Of an init that was interrupted before, the administrator may be there: it gets this password. */
static err make_admin(struct task *t, const struct init_plan *plan, const char **ret_problem)
{
	struct account account;
	AUTO(buf) hash = {0};
	err e;

	buf_init(&hash, PASSWORD_HASH_MAX);
	e = password_hash(plan->admin_password, &hash);
	if (!e)
		e = setup_admin(t, span_from(plan->admin_email), buf_span(&hash), &account);
	if (e == ERR_CONFLICT)
		*ret_problem = arena_printf(t->arena,
			"The database has an account for %s already, which is no administrator.",
			plan->admin_email);
	return e;
}

static err make_setup_token(struct task *t, const char **ret_token)
{
	char token[SETUP_TOKEN_SIZE];
	err e = setup_token_make(t, token);

	if (!e)
		*ret_token = arena_strdup(t->arena, token);
	wipe(token, sizeof(token));
	return e;
}

static err check_plan(struct arena *a, const struct init_plan *plan, const char **ret_problem)
{
	const char *problem, *foreign;

	if (path_exists(arena_printf(a, "%s/%s", plan->data, DATA_CONF))) {
		*ret_problem = arena_printf(a,
			"%s holds a Slipway server already; start it with `slipway serve --data "
			"%s`.",
			plan->data, plan->data);
		return ERR_CONFLICT;
	}
	foreign = data_layout_foreign(a, plan->data);
	if (foreign) {
		*ret_problem = arena_printf(a,
			"%s is not empty: it has %s in it. Name a directory that is empty or not "
			"there yet; its files will belong to the server.",
			plan->data, foreign);
		return ERR_CONFLICT;
	}
	if (!plan->admin_email)
		return OK;
	if (!email_is_valid(span_from(plan->admin_email))) {
		*ret_problem = arena_printf(a, "\"%s\" is no e-mail address.", plan->admin_email);
		return ERR_INVALID;
	}
	problem = password_problem(plan->admin_password, span_from(plan->admin_email), SPAN_EMPTY);
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

static const char *open_problem(struct arena *a, err e, const char *part)
{
	if (e == ERR_UNAVAILABLE)
		return arena_printf(a,
			"%s does not answer. Does it run, and is the URL of --database right? "
			"Then run this again.",
			part);
	return arena_printf(a, "%s cannot be opened: %s.", part, err_title(e));
}

static err fill(struct arena *a, const struct init_plan *plan, struct init_result *ret,
	const char **ret_problem)
{
	/* Making everything takes its time; people at a terminal are not told of each statement. */
	const char *overrides[] = {
		arena_printf(a, "database=%s", plan->database), "database.slow=1h"};
	AUTO_PTR(conf) conf = NULL;
	struct control control;
	const char *part;
	err e = conf_load(a, DATA_CONF, overrides, ARRAY_LEN(overrides), &conf, ret_problem);

	if (e)
		return e;
	e = control_open(conf, 1, &control, &part);
	if (e) {
		*ret_problem = open_problem(a, e, part);
		return e;
	}
	struct caller self = {.kind = CALLER_SYSTEM};
	struct task t = {.service = &control.service,
		.caller = &self,
		.arena = a,
		.now_us = clock_wall_us()};

	if (plan->admin_email)
		e = make_admin(&t, plan, ret_problem);
	else
		e = setup_is_done(&t, &ret->joined);
	if (!e && !plan->admin_email && !ret->joined)
		e = make_setup_token(&t, &ret->setup_token);
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

err init_setup_token(struct arena *a, const struct conf *conf, const char **ret_token)
{
	struct service service = {.conf = conf};
	struct caller self = {.kind = CALLER_SYSTEM};
	struct task t = {
		.service = &service, .caller = &self, .arena = a, .now_us = clock_wall_us()};
	err e = control_open_database(conf, 1, &service.db);

	if (!e)
		e = make_setup_token(&t, ret_token);
	db_close(service.db);
	return e;
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
