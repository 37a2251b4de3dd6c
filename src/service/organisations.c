/* Organisations, administered. Hard rule: one goes only when nothing is left that belongs to it. */
#include "crypto/random.h"
#include "service/accounts.h"
#include "service/changes.h"

#include "base/banned.h"

static err check_name(struct task *t, span name)
{
	if (!span_starts_with(name, SPAN("org_")) && span_trim(name).len == name.len)
		return OK;
	return fail(t, ERR_INVALID, "invalid_member",
		"'name' must not begin with org_ nor have spaces around it.");
}

static err resolve(struct db_tx *tx, struct task *t, span id_or_name, struct organisation *ret)
{
	bool found;
	err e = organisation_find(tx, t->arena, id_or_name, ret, &found);

	if (e || found)
		return e;
	return fail(t, ERR_NOT_FOUND, "organisation_not_found", "There is no such organisation.");
}

struct org_creation {
	struct task *task;
	struct organisation *organisation;
};

static err create_org_body(struct db_tx *tx, void *arg)
{
	struct org_creation *c = arg;
	err e = organisation_insert(tx, c->organisation);

	if (e == ERR_CONFLICT)
		return fail(c->task, e, "name_taken", "There is an organisation of this name.");
	return e ? e : audit_add(tx, c->task, "organisation.create", c->organisation->id, "{}");
}

err organisation_create(struct task *t, span name, struct organisation *ret)
{
	struct org_creation c = {t, ret};
	char id[TYPEID_SIZE];

	err e = check_name(t, name);

	if (e)
		return e;
	random_id("org", t->now_us, id);
	*ret = (struct organisation){span_from(arena_strdup(t->arena, id)), name, t->now_us};
	return db_transact(t->service->db, DB_WRITE, create_org_body, &c);
}

struct org_search {
	struct task *task;
	span id_or_name;
	struct organisation organisation;
};

static err get_org_body(struct db_tx *tx, void *arg)
{
	struct org_search *s = arg;

	return resolve(tx, s->task, s->id_or_name, &s->organisation);
}

err organisation_get(struct task *t, span id_or_name, struct organisation *ret)
{
	struct org_search s = {.task = t, .id_or_name = id_or_name};
	err e = db_transact(t->service->db, DB_READ, get_org_body, &s);

	if (!e)
		*ret = s.organisation;
	return e;
}

struct paging {
	struct task *task;
	span after, id_or_name;
	size_t limit;
	struct account *accounts;
	struct organisation *organisations;
	size_t count;
};

static err page_org_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;

	return organisation_list(
		tx, p->task->arena, p->after, p->limit, &p->organisations, &p->count);
}

err organisation_page(
	struct task *t, span after, size_t limit, struct organisation **ret, size_t *ret_count)
{
	struct paging p = {.task = t, .after = after, .limit = limit};
	err e = db_transact(t->service->db, DB_READ, page_org_body, &p);

	if (e)
		return e;
	*ret = p.organisations;
	*ret_count = p.count;
	return OK;
}

/* Members -------------------------------------------------------------------------------------- */

static err members_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;
	struct task *t = p->task;
	struct organisation o;
	err e = resolve(tx, t, p->id_or_name, &o);

	if (!e && !reaches_organisation(t, o.id))
		e = fail(t, ERR_NOT_FOUND, "organisation_not_found",
			"There is no such organisation.");
	return e ? e
		 : account_list(tx, t->arena, p->after, o.id, p->limit, &p->accounts, &p->count);
}

err organisation_members(struct task *t, span id_or_name, span after, size_t limit,
	struct account **ret, size_t *ret_count)
{
	struct paging p = {.task = t, .id_or_name = id_or_name, .after = after, .limit = limit};
	err e = db_transact(t->service->db, DB_READ, members_body, &p);

	if (e)
		return e;
	*ret = p.accounts;
	*ret_count = p.count;
	return OK;
}

/* Change and removal --------------------------------------------------------------------------- */

struct changing {
	struct task *task;
	span id_or_name, name;
	struct organisation organisation;
};

static err change_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;
	struct task *t = c->task;
	struct changes changes;
	err e = resolve(tx, t, c->id_or_name, &c->organisation);

	if (e || span_eq(c->organisation.name, c->name))
		return e;
	e = organisation_rename(tx, c->organisation.id, c->name);
	if (e == ERR_CONFLICT)
		return fail(t, e, "name_taken", "There is an organisation of this name.");
	if (e)
		return e;
	changes_begin(&changes);
	changes_text(&changes, "name", c->organisation.name, c->name);
	c->organisation.name = c->name;
	return audit_add(
		tx, t, "organisation.change", c->organisation.id, changes_end(&changes, t->arena));
}

err organisation_change(struct task *t, span id_or_name, span name, struct organisation *ret)
{
	struct changing c = {.task = t, .id_or_name = id_or_name, .name = name};
	err e = check_name(t, name);

	if (!e)
		e = db_transact(t->service->db, DB_WRITE, change_body, &c);
	if (!e)
		*ret = c.organisation;
	return e;
}

static err remove_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;
	struct task *t = c->task;
	int64_t left = 0;
	err e = resolve(tx, t, c->id_or_name, &c->organisation);

	if (!e)
		e = organisation_count(tx, c->organisation.id, &left);
	if (!e && left)
		return fail(t, ERR_CONFLICT, "organisation_not_empty",
			"Accounts, invitations, licences or packages belong to this organisation: "
			"%lld.",
			(long long)left);
	if (!e)
		e = organisation_delete(tx, c->organisation.id);
	return e ? e : audit_add(tx, t, "organisation.delete", c->organisation.id, "{}");
}

err organisation_remove(struct task *t, span id_or_name)
{
	struct changing c = {.task = t, .id_or_name = id_or_name};

	return db_transact(t->service->db, DB_WRITE, remove_body, &c);
}
