/* Hard rule: what changes an identity raises its epoch, in the same transaction. */
#include "service/workload_identities.h"

#include "account/account.h"
#include "account/role.h"
#include "base/json.h"
#include "crypto/random.h"
#include "net/foreign.h"
#include "service/changes.h"
#include "service/publish_epochs.h"
#include "service/roles.h"

#include "base/banned.h"

#define ISSUER_MAX      1000
#define DETAIL_MAX      24576
#define PERMISSIONS_MAX 2000 /* the list goes into a token of TOKEN_DECODED_MAX */

struct work {
	struct task *task;
	span id_or_name;
	const struct workload_input *input;
	struct workload workload;
	struct workload *list;
	size_t count;
	uint64_t seq;
};

static err invalid(struct task *t, const char *member, const char *why)
{
	return fail(t, ERR_INVALID, "invalid_member", "'%s' %s.", member, why);
}

static err find(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	bool found;
	err e = workload_find(tx, t->arena, w->id_or_name, &w->workload, &found);

	if (!e && !found)
		return fail(t, ERR_NOT_FOUND, "workload_identity_not_found",
			"There is no workload identity '%.*s'.", SPAN_ARG(w->id_or_name));
	return e;
}

/* Checking --------------------------------------------------------------------------------------
 */

static err check_issuer(struct task *t, span issuer)
{
	const char *problem = foreign_url_problem(t->service->foreign, arena_str(t->arena, issuer));

	if (!problem && issuer.len > ISSUER_MAX)
		problem = "is too long";
	if (!problem && (span_contains(issuer, SPAN("?")) || span_contains(issuer, SPAN("#"))))
		problem = "must not have a query";
	return problem ? invalid(t, "issuer", problem) : OK;
}

static err check(struct task *t, struct workload *w)
{
	const char *problem;

	if (!role_name_is_valid(w->name))
		return invalid(t, "name", "must be a-z first, then a-z, 0-9 and '-', at most 40");
	problem = audience_problem(t->arena, w->issuer, w->audience);
	if (problem)
		return invalid(t, "audience", problem);
	problem = conditions_problem(t->arena, w->issuer, &w->conditions);
	if (problem)
		return invalid(t, "conditions", problem);
	conditions_sort(w->issuer, &w->conditions);
	return OK;
}

/* A person: whose permissions bound it from now on. */
static err check_giver(struct task *t)
{
	return t->caller->kind == CALLER_ACCOUNT && t->caller->session.len
		       ? OK
		       : fail(t, ERR_DENIED, "session_needed",
				 "Only who is signed in makes and changes workload identities.");
}

static err give(struct db_tx *tx, struct task *t, struct workload *w, span names, span products)
{
	span rest = names, word;
	err e = permissions_give(tx, t, names, products, &w->permissions);

	while (!e && span_cut(&rest, ' ', &word))
		if (word.len && permission_is_for_people(word))
			return fail(t, ERR_INVALID, "invalid_member",
				"'permissions' cannot have %.*s: a job has no sessions, devices "
				"and packages of its own.",
				SPAN_ARG(word));
	if (!e && w->permissions.len > PERMISSIONS_MAX)
		return invalid(t, "products", "are too many for one identity");
	return e;
}

/* Making ----------------------------------------------------------------------------------------
 */

static err taken(struct task *t)
{
	return fail(t, ERR_CONFLICT, "workload_identity_exists",
		"There is a workload identity of this name.");
}

static span conditions_text(struct task *t, const struct workload *w)
{
	AUTO(buf) text = {0};

	buf_init(&text, CONDITIONS_JSON_MAX);
	conditions_format(&w->conditions, &text);
	return arena_span(t->arena, buf_span(&text));
}

static const char *detail_of(struct task *t, const struct workload *w)
{
	AUTO(buf) text = {0};
	struct json_writer out;

	buf_init(&text, DETAIL_MAX);
	json_writer_init(&out, &text);
	json_begin_object(&out, NULL);
	json_str(&out, "name", w->name);
	json_str(&out, "issuer", w->issuer);
	json_str(&out, "audience", w->audience);
	json_raw(&out, "conditions", conditions_text(t, w));
	json_str(&out, "permissions", w->permissions);
	json_i64(&out, "lifetime_s", w->lifetime_s);
	json_end(&out);
	return buf_error(&text) ? "{}" : arena_str(t->arena, buf_span(&text));
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	bool found;
	err e = workload_list(tx, t->arena, &w->list, &w->count);

	if (!e && w->count == WORKLOADS_MAX)
		return fail(t, ERR_LIMIT, "too_many_workload_identities",
			"There may be %d workload identities.", WORKLOADS_MAX);
	if (!e)
		e = give(tx, t, &w->workload, w->input->permissions, w->input->products);
	if (!e)
		e = workload_insert(tx, t->arena, &w->workload);
	if (e == ERR_CONFLICT)
		return taken(t);
	if (!e)
		e = audit_add(tx, t, "workload.create", w->workload.id, detail_of(t, &w->workload));
	/* As it stands there, with what the row has from others. */
	return e ? e : workload_find(tx, t->arena, w->workload.id, &w->workload, &found);
}

err workload_create(struct task *t, const struct workload_input *in, span default_audience,
	struct workload *ret)
{
	struct work w = {.task = t, .input = in};
	char id[TYPEID_SIZE];
	err e = check_giver(t);

	random_id("wli", t->now_us, id);
	w.workload = (struct workload){.id = span_from(arena_strdup(t->arena, id)),
		.name = in->name,
		.issuer = in->issuer,
		.audience = in->audience.len ? in->audience : default_audience,
		.conditions = in->conditions,
		.account = t->caller->account,
		.lifetime_s = in->set_lifetime ? in->lifetime_s : WORKLOAD_LIFE_DEFAULT_S,
		.epoch = 1,
		.disabled = in->disabled,
		.created_at_us = t->now_us};
	if (!e)
		e = check_issuer(t, in->issuer);
	if (!e)
		e = check(t, &w.workload);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, create_body, &w);
	if (!e)
		*ret = w.workload;
	return e;
}

/* Changing --------------------------------------------------------------------------------------
 */

static bool only_disables(const struct workload_input *in)
{
	return in->set_state && in->disabled && !in->set_name && !in->set_audience &&
	       !in->set_conditions && !in->set_permissions && !in->set_products &&
	       !in->set_lifetime;
}

static void apply(struct workload *w, const struct workload_input *in, span default_audience)
{
	if (in->set_name)
		w->name = in->name;
	if (in->set_audience)
		w->audience = in->audience.len ? in->audience : default_audience;
	if (in->set_conditions)
		w->conditions = in->conditions;
	if (in->set_lifetime)
		w->lifetime_s = in->lifetime_s;
	if (in->set_state)
		w->disabled = in->disabled;
}

/* Whoever says what it is for stands for what it permits, whether they change that or not. */
static err vouch(struct db_tx *tx, struct work *w)
{
	const struct workload_input *in = w->input;
	struct task *t = w->task;
	struct workload *now = &w->workload;
	span names, products;
	bool ignored;
	err e = check_giver(t);

	if (e)
		return e;
	permissions_split(t->arena, now->permissions, &names, &products, &ignored);
	e = give(tx, t, now, in->set_permissions ? in->permissions : names,
		in->set_products ? in->products : products);
	now->account = t->caller->account;
	return e ? e : check(t, now);
}

static const char *changes_of(
	struct task *t, const struct workload *before, const struct workload *after)
{
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "name", before->name, after->name);
	changes_text(&c, "audience", before->audience, after->audience);
	changes_text(&c, "conditions", conditions_text(t, before), conditions_text(t, after));
	changes_text(&c, "permissions", before->permissions, after->permissions);
	changes_int(&c, "lifetime_s", before->lifetime_s, after->lifetime_s);
	changes_bool(&c, "disabled", before->disabled, after->disabled);
	changes_text(&c, "account", before->account, after->account);
	return changes_end(&c, t->arena);
}

/* Tokens of an earlier epoch are dead: at the API by the row, in the data plane by the feed. */
static err end_tokens(struct db_tx *tx, struct work *w)
{
	struct feed_batch feed;
	err e;

	feed_begin(&feed, tx);
	e = publish_workload_epoch(&feed, w->workload.id, w->workload.epoch, w->task->now_us);
	return e ? e : feed_seal(&feed, &w->seq);
}

static err change_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct workload before;
	bool found;
	err e = find(tx, w);

	if (e)
		return e;
	before = w->workload;
	apply(&w->workload, w->input, before.audience);
	w->workload.epoch++;
	w->workload.updated_at_us = t->now_us;
	if (!only_disables(w->input))
		e = vouch(tx, w);
	if (!e)
		e = workload_update(tx, t->arena, &w->workload);
	if (e == ERR_CONFLICT)
		return taken(t);
	if (!e)
		e = audit_add(
			tx, t, "workload.change", before.id, changes_of(t, &before, &w->workload));
	/* As it stands there, with what the row has from others. */
	if (!e)
		e = workload_find(tx, t->arena, before.id, &w->workload, &found);
	return e ? e : end_tokens(tx, w);
}

err workload_change(
	struct task *t, span id_or_name, const struct workload_input *in, struct workload *ret)
{
	struct work w = {.task = t, .id_or_name = id_or_name, .input = in};
	err e = db_transact(t->service->db, DB_WRITE, change_body, &w);

	if (e)
		return e;
	*ret = w.workload;
	return published(t, w.seq);
}

static err remove_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	err e = find(tx, w);

	if (!e)
		e = workload_delete(tx, w->workload.id);
	if (!e)
		e = audit_add(tx, t, "workload.delete", w->workload.id, detail_of(t, &w->workload));
	w->workload.epoch++;
	return e ? e : end_tokens(tx, w);
}

err workload_remove(struct task *t, span id_or_name)
{
	struct work w = {.task = t, .id_or_name = id_or_name};
	err e = db_transact(t->service->db, DB_WRITE, remove_body, &w);

	return e ? e : published(t, w.seq);
}

/* Reading ---------------------------------------------------------------------------------------
 */

static err get_body(struct db_tx *tx, void *arg)
{
	return find(tx, arg);
}

err workload_get(struct task *t, span id_or_name, struct workload *ret)
{
	struct work w = {.task = t, .id_or_name = id_or_name};
	err e = db_transact(t->service->db, DB_READ, get_body, &w);

	if (!e)
		*ret = w.workload;
	return e;
}

static err all_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return workload_list(tx, w->task->arena, &w->list, &w->count);
}

err workload_all(struct task *t, struct workload **ret, size_t *ret_count)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_READ, all_body, &w);

	*ret = w.list;
	*ret_count = w.count;
	return e;
}

err workload_standing(struct db_tx *tx, struct task *t, const struct workload *w,
	span *ret_permissions, bool *ret_usable)
{
	struct account account;
	bool found = false;
	err e = account_find(tx, t->arena, w->account, &account, &found);

	if (e)
		return e;
	*ret_usable = found && !account.disabled && !w->disabled;
	*ret_permissions =
		*ret_usable ? permissions_common(t->arena, w->permissions, account.permissions)
			    : SPAN_EMPTY;
	return OK;
}
