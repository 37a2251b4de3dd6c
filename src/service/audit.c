/* Hard rule: an entry is written in the transaction of the change it tells of, or not at all. */
#include "service/audit.h"

#include <arpa/inet.h>
#include <string.h>

#include "crypto/random.h"
#include "service/service_queries.h"

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

/* An API key acts under its own name: what it did must be told from what its owner did. */
static span actor_of(const struct caller *c)
{
	switch (c->kind) {
	case CALLER_ACCOUNT:
		return c->account;
	case CALLER_DEVICE:
		return c->device;
	case CALLER_API_KEY:
		return c->client_id;
	case CALLER_SYSTEM:
		return SPAN("system");
	case CALLER_ANONYMOUS:
		break;
	}
	return SPAN("anonymous");
}

err audit_add_outcome(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *outcome, const char *detail_json)
{
	char id[TYPEID_SIZE];

	random_id("aud", t->now_us, id);
	return db_exec(tx, audit_insert, DB_CSTR(id), DB_INT(t->now_us),
		DB_TEXT(actor_of(t->caller)), DB_CSTR(action), DB_TEXT(object), DB_CSTR(outcome),
		DB_TEXT(address_prefix(t->arena, t->caller->address)),
		DB_TEXT(t->caller->request_id), DB_CSTR(detail_json));
}

err audit_add(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *detail_json)
{
	return audit_add_outcome(tx, t, action, object, "ok", detail_json);
}

struct listing {
	struct task *task;
	const struct audit_filter *filter;
	struct audit_entry *list;
	size_t count;
};

static void read_entry(struct db_rows *rows, struct arena *a, struct audit_entry *ret)
{
	*ret = (struct audit_entry){
		.id = db_text_in(rows, 0, a),
		.at_us = db_int(rows, 1),
		.actor = db_text_in(rows, 2, a),
		.action = db_text_in(rows, 3, a),
		.object = db_text_in(rows, 4, a),
		.outcome = db_text_in(rows, 5, a),
		.ip_prefix = db_text_in(rows, 6, a),
		.request_id = db_text_in(rows, 7, a),
		.detail = db_text_in(rows, 8, a),
	};
}

static err list_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;
	const struct audit_filter *f = l->filter;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	l->count = 0;
	err e = db_query(tx, &rows, audit_list_sql, DB_TEXT(f->after), DB_TEXT(f->actor),
		DB_TEXT(f->action), DB_TEXT(f->object), DB_INT((int64_t)f->limit));

	while (!e && l->count < f->limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_entry(rows, l->task->arena, &l->list[l->count++]);
	}
	return e;
}

err audit_list(struct task *t, const struct audit_filter *filter, struct audit_entry **ret,
	size_t *ret_count)
{
	struct listing l = {.task = t, .filter = filter};

	l.list = arena_try_array(t->arena, filter->limit, sizeof(*l.list));
	if (!l.list)
		return ERR_NOMEM;
	err e = db_transact(t->service->db, DB_READ, list_body, &l);

	if (e)
		return e;
	*ret = l.list;
	*ret_count = l.count;
	return OK;
}
