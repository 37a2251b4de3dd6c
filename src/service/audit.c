/* Hard rule: an entry is written in the transaction of the change it tells of, or not at all. */
#include "service/audit.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/json.h"
#include "crypto/random.h"
#include "service/refusals.h"
#include "sys/log.h"

#include "base/banned.h"

span address_prefix(struct arena *a, span address)
{
	const char *text = arena_str(a, address);
	char out[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		bytes[3] = 0;
		if (inet_ntop(AF_INET, bytes, out, sizeof(out)))
			return span_from(arena_printf(a, "%s/24", out));
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		memset(bytes + 6, 0, 10);
		if (inet_ntop(AF_INET6, bytes, out, sizeof(out)))
			return span_from(arena_printf(a, "%s/48", out));
	}
	return SPAN_EMPTY;
}

span address_network(struct arena *a, span address)
{
	char out[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (inet_pton(AF_INET6, arena_str(a, address), bytes) != 1)
		return address;
	memset(bytes + 8, 0, 8);
	return inet_ntop(AF_INET6, bytes, out, sizeof(out)) ? span_from(arena_strdup(a, out))
							    : address;
}

/* API keys and workload identities act under their own name, not under their owner's. */
static span actor_of(const struct caller *c)
{
	switch (c->kind) {
	case CALLER_ACCOUNT:
		return c->account;
	case CALLER_DEVICE:
		return c->device;
	case CALLER_API_KEY:
		return c->client_id;
	case CALLER_WORKLOAD:
		return c->workload;
	case CALLER_SYSTEM:
		return SPAN("system");
	case CALLER_ANONYMOUS:
		break;
	}
	return SPAN("anonymous");
}

static const char *kind_of(const struct caller *c)
{
	static const char *const names[] = {[CALLER_ANONYMOUS] = "anonymous",
		[CALLER_ACCOUNT] = "account",
		[CALLER_DEVICE] = "device",
		[CALLER_API_KEY] = "api_key",
		[CALLER_WORKLOAD] = "workload",
		[CALLER_SYSTEM] = "system"};

	return names[c->kind];
}

/*
 * What a job did is to be told from what other jobs of its identity did: its entries say which run
 * of which workflow it was, as a member "job" before the others.
 */
static span with_job(const struct task *t, span detail)
{
	span rest = span_from_offset(detail, 1);

	if (t->caller->kind != CALLER_WORKLOAD || !t->caller->job.len)
		return detail;
	return span_from(arena_printf(t->arena, "{\"job\":%.*s%s%.*s", SPAN_ARG(t->caller->job),
		span_is(rest, "}") ? "" : ",", SPAN_ARG(rest)));
}

err audit_add_outcome(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *outcome, const char *detail_json)
{
	const struct caller *c = t->caller;
	char id[TYPEID_SIZE];

	random_id("aud", t->now_us, id);
	return audit_append(tx, &(const struct audit_entry){
					.id = span_from(id),
					.at_us = t->now_us,
					.actor_kind = span_from(kind_of(c)),
					.actor = actor_of(c),
					.action = span_from(action),
					.object = object,
					.outcome = span_from(outcome),
					.ip_prefix = address_prefix(t->arena, c->address),
					.request_id = c->request_id,
					.detail = with_job(t, span_from(detail_json)),
				});
}

err audit_add(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *detail_json)
{
	return audit_add_outcome(tx, t, action, object, "ok", detail_json);
}

/* Refusals ------------------------------------------------------------------------------------- */

static void cut(char *ret, size_t size, span text)
{
	struct buf out;

	buf_init_fixed(&out, ret, size);
	text = span_sub(text, 0, size - 1);
	while (text.len && !span_is_utf8(text)) /* not within a character */
		text.len--;
	buf_add(&out, text);
}

void audit_refused(const struct task *t, const char *action, span object, const char *reason)
{
	struct refusal one = {0};

	cut(one.actor, sizeof(one.actor), actor_of(t->caller));
	cut(one.actor_kind, sizeof(one.actor_kind), span_from(kind_of(t->caller)));
	cut(one.ip_prefix, sizeof(one.ip_prefix), address_prefix(t->arena, t->caller->address));
	cut(one.action, sizeof(one.action), span_from(action));
	cut(one.object, sizeof(one.object), object);
	cut(one.reason, sizeof(one.reason), span_from(reason));
	cut(one.request_id, sizeof(one.request_id), t->caller->request_id);
	refusals_count(t->service->refusals, &one, t->now_us);
}

struct refused {
	const struct task *task;
	struct refusal list[REFUSALS_DUE_MAX];
	size_t count;
};

static err add_refusal(struct db_tx *tx, const struct task *t, const struct refusal *r)
{
	AUTO(buf) detail = {0};
	struct json_writer out;
	char id[TYPEID_SIZE];

	buf_init(&detail, 1024);
	json_writer_init(&out, &detail);
	json_begin_object(&out, NULL);
	json_cstr(&out, "reason", r->reason);
	json_u64(&out, "count", r->count);
	json_end(&out);
	random_id("aud", t->now_us, id);
	return audit_append(tx, &(const struct audit_entry){
					.id = span_from(id),
					.at_us = r->at_us,
					.actor_kind = span_from(r->actor_kind),
					.actor = span_from(r->actor),
					.action = span_from(r->action),
					.object = span_from(r->object),
					.outcome = SPAN("refused"),
					.ip_prefix = span_from(r->ip_prefix),
					.request_id = span_from(r->request_id),
					.detail = buf_span(&detail),
				});
}

static err refused_body(struct db_tx *tx, void *arg)
{
	const struct refused *r = arg;
	err e = OK;

	for (size_t i = 0; !e && i < r->count; i++)
		e = add_refusal(tx, r->task, &r->list[i]);
	return e;
}

static err write_refusals(struct task *t, bool all)
{
	struct refused *r = arena_alloc(t->arena, sizeof(*r));

	r->task = t;
	r->count = refusals_take(t->service->refusals, t->now_us, all, r->list);
	if (r->count == 0)
		return OK;
	err e = db_transact(t->service->db, DB_WRITE, refused_body, r);

	if (e)
		refusals_put_back(t->service->refusals, r->list, r->count);
	return e;
}

/* Sealing -------------------------------------------------------------------------------------- */

static void log_checkpoint(const struct checkpoint *c)
{
	char memory[CHECKPOINT_LINE_MAX];
	struct buf line;

	buf_init_fixed(&line, memory, sizeof(memory));
	checkpoint_format(c, &line);
	log_info("audit checkpoint", LOG_SPAN("checkpoint", buf_span(&line)));
}

static err seal(struct task *t)
{
	int64_t count = 0;
	err e = audit_seal(t->service->audit, t->now_us, &count);

	if (e == ERR_CORRUPT)
		log_error("the audit log was changed from outside: nothing is sealed any more",
			LOG_STR("remedy", "slipway audit verify"));
	return e;
}

err audit_tick(struct task *t, bool last)
{
	struct checkpoint kept;
	bool is_kept = false;
	err e = write_refusals(t, last);

	if (!e)
		e = seal(t);
	if (!e)
		e = audit_keep(t->service->audit, t->now_us, last, &kept, &is_kept);
	if (!e && is_kept)
		log_checkpoint(&kept);
	return e;
}

/* Reading -------------------------------------------------------------------------------------- */

/* A log that was tampered with is shown all the same: whoever looks needs it more than ever. */
static err seal_for_reading(struct task *t)
{
	err e = write_refusals(t, false);

	if (!e)
		e = seal(t);
	return e == ERR_CORRUPT ? OK : e;
}

struct listing {
	struct task *task;
	const struct audit_search *search;
	struct audit_entry *list;
	size_t count;
};

static err list_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;

	return audit_find_many(tx, l->task->arena, l->search, &l->list, &l->count);
}

err audit_list(struct task *t, const struct audit_search *search, struct audit_entry **ret,
	size_t *ret_count)
{
	struct listing l = {.task = t, .search = search};
	err e = seal_for_reading(t);

	if (!e)
		e = db_transact(t->service->db, DB_READ, list_body, &l);
	if (e)
		return e;
	*ret = l.list;
	*ret_count = l.count;
	return OK;
}

struct getting {
	struct task *task;
	span id_or_seq;
	struct audit_entry entry;
	bool found;
};

static err get_body(struct db_tx *tx, void *arg)
{
	struct getting *g = arg;

	return audit_find_one(tx, g->task->arena, g->id_or_seq, &g->entry, &g->found);
}

err audit_get(struct task *t, span id_or_seq, struct audit_entry *ret)
{
	struct getting g = {.task = t, .id_or_seq = id_or_seq};
	err e = seal_for_reading(t);

	if (!e)
		e = db_transact(t->service->db, DB_READ, get_body, &g);
	if (e)
		return e;
	if (!g.found)
		return fail(t, ERR_NOT_FOUND, "no_such_entry", "There is no such audit entry.");
	*ret = g.entry;
	return OK;
}

struct checkpoint_page {
	int64_t before;
	size_t limit, count;
	struct checkpoint *list;
};

static err checkpoints_body(struct db_tx *tx, void *arg)
{
	struct checkpoint_page *p = arg;

	return audit_checkpoints_newest_first(tx, p->before, p->limit, p->list, &p->count);
}

err audit_checkpoints(
	struct task *t, int64_t before, size_t limit, struct checkpoint **ret, size_t *ret_count)
{
	struct checkpoint_page p = {.before = before ? before : INT64_MAX,
		.limit = limit,
		.list = arena_try_array(t->arena, limit, sizeof(*p.list))};

	if (!p.list)
		return ERR_NOMEM;
	err e = db_transact(t->service->db, DB_READ, checkpoints_body, &p);

	if (e)
		return e;
	*ret = p.list;
	*ret_count = p.count;
	return OK;
}

err audit_check(struct task *t, bool accept_restored, struct audit_report **ret)
{
	const char *file = audit_log_file(t->service->audit);
	err e = seal_for_reading(t);

	return e ? e
		 : audit_verify(t->arena,
			   &(struct audit_verification){
				   .db = t->service->db,
				   .keys_dir = audit_log_keys_dir(t->service->audit),
				   .files = &file,
				   .files_count = 1,
				   .accept_restored = accept_restored,
			   },
			   ret);
}
