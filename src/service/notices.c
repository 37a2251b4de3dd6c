/* Hard rule: a notice is written by the transaction it tells of, and never makes it fail. */
#include "service/notices.h"

#include "account/known_place.h"
#include "keyring/keyring.h"
#include "service/audit.h"

#include "base/banned.h"

err notice(struct db_tx *tx, const struct task *t, enum mail_kind kind, span to, const char *what)
{
	struct mail_facts facts = {.at_us = t->now_us,
		.what = span_from(what),
		.place = address_prefix(t->arena, t->caller->address),
		.device = t->caller->user_agent};
	err e = mail_enqueue(tx, t, kind, to, &facts);

	return e == ERR_INVALID ? OK : e;
}

err notice_account(
	struct db_tx *tx, const struct task *t, enum mail_kind kind, span account, const char *what)
{
	struct account a;
	bool found = false;
	err e = account_find(tx, t->arena, account, &a, &found);

	return e || !found ? e : notice(tx, t, kind, a.email, what);
}

err notice_place(struct db_tx *tx, const struct task *t, const struct account *account)
{
	uint8_t key[SHA256_SIZE], hash[SHA256_SIZE];
	bool is_new = false;

	keyring_derive(t->service->keys, "known-place", key);
	known_place_hash(t->arena, key, account->id, address_prefix(t->arena, t->caller->address),
		t->caller->user_agent, hash);
	err e = known_place_note(tx, account->id, hash, t->now_us, &is_new);

	return e || !is_new ? e : notice(tx, t, MAIL_NEW_PLACE, account->email, NULL);
}

span notice_link(const struct task *t, const char *path, const char *ticket)
{
	return span_from(arena_printf(
		t->arena, "%.*s#%s", SPAN_ARG(service_url(t->service, t->arena, path)), ticket));
}
