/* Rotation of signing keys: announced, signing, accepted, retired; by hand and by time. */
#include <sys/stat.h>

#include "store_world.h"

#include "base/time.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/refusals.h"
#include "service/signing_keys.h"
#include "state/records.h"
#include "sys/clock.h"

#define NOW   (INT64_C(1800000000) * TIME_SECOND)
#define LEAD  TIME_DAY
#define EVERY (90 * TIME_DAY)

static struct keyring *open_keys(struct world *w)
{
	struct key_place place = {world_path(w, "keys"), "", ""};
	struct keyring *k;
	uint64_t seq;

	(void)mkdir(place.dir, 0700); /* there already for the second one */
	assert_ok(keyring_open(&place, w->service.db, NOW, &k, &seq));
	assert_ok(publisher_wait(w->service.publisher, seq, 10 * TIME_SECOND));
	return k;
}

static void open_world(struct world *w, void **state)
{
	world_open(w, state, NOW);
	w->service.keys = open_keys(w);
}

static void close_world(struct world *w)
{
	keyring_close(w->service.keys);
	world_close(w);
}

/* The id of the key that signs an access token at this time. */
static span signer_at(struct keyring *k, int64_t at_us)
{
	struct token_claims c = {.kind = TOKEN_ACCESS,
		.iss = SPAN("https://s"),
		.sub = SPAN("acc_1"),
		.aud = SPAN("https://s"),
		.jti = SPAN("j1"),
		.iat = at_us / TIME_SECOND,
		.exp = at_us / TIME_SECOND + 600,
		.client_id = SPAN("c"),
		.role = SPAN("user")};
	AUTO(buf) text = {0};

	buf_init(&text, TOKEN_MAX_BYTES);
	assert_ok(keyring_sign(k, &c, &text));
	return c.kid;
}

static bool is_known(struct keyring *k, const char *kid)
{
	return keyring_lookup(k, TOKEN_ACCESS, span_from(kid)) != NULL;
}

static bool is_published(struct world *w, const char *kid)
{
	char memory[STATE_KEY_MAX + 1];
	struct state_view view;
	struct buf key;
	span value;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_signing(&key, TOKEN_ACCESS, span_from(kid));
	assert_ok(state_begin(w->service.state, &view));
	bool found = state_find(&view, buf_span(&key), &value);

	state_end(&view);
	return found;
}

static bool has_file(struct world *w, const char *kid)
{
	struct stat st;

	return stat(arena_printf(w->arena, "%s/keys/access-%s.pem", w->dir, kid), &st) == 0;
}

static struct signing_key_view rotate(struct world *w, bool soon)
{
	struct signing_key_view v;

	struct rotation_wish wish = {.kind = TOKEN_ACCESS, .soon = soon};

	assert_ok(signing_key_rotate(&w->task, &wish, &v));
	return v;
}

/* The one of these access keys in this state; there must be one. */
static const char *find(struct world *w, enum signing_key_state state)
{
	struct signing_key_view *list;
	size_t count;

	assert_ok(signing_keys_list(&w->task, &list, &count));
	for (size_t i = 0; i < count; i++)
		if (list[i].key.kind == TOKEN_ACCESS && list[i].state == state)
			return list[i].key.kid;
	fail_msg("no key is %s", signing_key_state_name(state));
	return NULL;
}

static unsigned retired(struct world *w)
{
	struct signing_keys_done done;

	assert_ok(signing_keys_turn(&w->task, &done));
	return done.retired;
}

static void test_life(void **state)
{
	struct world w;

	open_world(&w, state);
	struct keyring *keys = w.service.keys;
	const char *old = find(&w, SIGNING_KEY_SIGNING);
	struct signing_key_view v = rotate(&w, false);
	const char *new = v.key.kid;
	/* The longest life of an access token, a job's, and skew. */
	int64_t active = NOW + LEAD, end = active + TIME_HOUR + 2 * TIME_MINUTE;

	assert_int_equal(v.state, SIGNING_KEY_NEXT);
	assert_int_equal(v.key.active_at_us, active);
	assert_true(is_published(&w, new) && is_known(keys, new) && has_file(&w, new));
	assert_true(span_is(signer_at(keys, active - TIME_SECOND), old));
	assert_true(span_is(signer_at(keys, active), new));
	/* Even a clock that went back leaves a key to sign with. */
	assert_true(span_is(signer_at(keys, NOW - TIME_DAY), old));

	w.task.now_us = end - 1;
	assert_string_equal(find(&w, SIGNING_KEY_ACCEPTED), old);
	assert_string_equal(find(&w, SIGNING_KEY_SIGNING), new);
	assert_int_equal(retired(&w), 0);
	assert_true(is_published(&w, old) && is_known(keys, old));
	w.task.now_us = end;
	assert_int_equal(retired(&w), 1);
	assert_false(is_published(&w, old) || is_known(keys, old) || has_file(&w, old));
	assert_int_equal(retired(&w), 0);
	assert_true(is_known(keys, new) && has_file(&w, new));
	close_world(&w);
}

static void test_refused(void **state)
{
	struct signing_key_view v;
	struct world w;

	open_world(&w, state);
	const char *first = arena_strdup(w.arena, find(&w, SIGNING_KEY_SIGNING));

	assert_int_equal(signing_key_revoke(&w.task, SPAN("unknown")), ERR_NOT_FOUND);
	assert_string_equal(w.task.reason, "signing_key_not_found");
	assert_int_equal(signing_key_revoke(&w.task, span_from(first)), ERR_CONFLICT);
	assert_string_equal(w.task.reason, "only_signing_key");
	assert_true(is_published(&w, first) && has_file(&w, first));

	v = rotate(&w, false);
	struct signing_key_view another;

	struct rotation_wish wish = {.kind = TOKEN_ACCESS, .soon = true};

	assert_int_equal(signing_key_rotate(&w.task, &wish, &another), ERR_CONFLICT);
	assert_string_equal(w.task.reason, "rotation_pending");
	/* A next key does not help: it does not sign yet. */
	assert_int_equal(signing_key_revoke(&w.task, span_from(first)), ERR_CONFLICT);
	assert_ok(signing_key_revoke(&w.task, span_from(v.key.kid)));
	assert_false(is_published(&w, v.key.kid) || has_file(&w, v.key.kid));
	(void)rotate(&w, true); /* there is room for another */
	close_world(&w);
}

/* A key that became known: the next one signs soon, then the old one dies at once. */
static void test_compromise(void **state)
{
	struct world w;

	open_world(&w, state);
	struct keyring *keys = w.service.keys, *other = open_keys(&w);
	const char *old = find(&w, SIGNING_KEY_SIGNING);
	struct signing_key_view v = rotate(&w, true);

	assert_int_equal(v.key.active_at_us, NOW + SIGNING_KEY_SOON_US);
	w.task.now_us = v.key.active_at_us;
	assert_ok(signing_key_revoke(&w.task, span_from(old)));
	assert_false(is_published(&w, old) || is_known(keys, old));
	assert_true(span_is(signer_at(keys, w.task.now_us), v.key.kid));

	/* Another control plane follows by itself. */
	int64_t until = clock_monotonic_us() + 10 * TIME_SECOND;

	while (is_known(other, old) && clock_monotonic_us() < until)
		(void)usleep(10000);
	assert_false(is_known(other, old));
	assert_true(span_is(signer_at(other, w.task.now_us), v.key.kid));
	keyring_close(other);
	close_world(&w);
}

static void test_interval(void **state)
{
	struct signing_keys_done done;
	struct world w;

	open_world(&w, state);
	w.task.now_us = NOW + EVERY - LEAD - 1;
	assert_ok(signing_keys_turn(&w.task, &done));
	assert_int_equal(done.rotated, 0);
	w.task.now_us++;
	assert_ok(signing_keys_turn(&w.task, &done));
	assert_int_equal(done.rotated, TOKEN_KINDS);
	assert_ok(signing_keys_turn(&w.task, &done));
	assert_int_equal(done.rotated, 0);

	const char *old = find(&w, SIGNING_KEY_SIGNING), *new = find(&w, SIGNING_KEY_NEXT);

	assert_true(span_is(signer_at(w.service.keys, NOW + EVERY - TIME_SECOND), old));
	assert_true(span_is(signer_at(w.service.keys, NOW + EVERY), new));
	close_world(&w);
}

static void test_interval_is_off(void **state)
{
	const char *off = "key.rotation=0", *problem = NULL;
	AUTO_PTR(conf) conf = NULL;
	struct signing_keys_done done;
	struct world w;

	open_world(&w, state);
	assert_ok(conf_load(w.arena, world_path(&w, "none"), &off, 1, &conf, &problem));
	w.service.conf = conf;
	w.task.now_us = NOW + 10 * EVERY;
	assert_ok(signing_keys_turn(&w.task, &done));
	assert_int_equal(done.rotated, 0);
	close_world(&w);
}

static void test_audit(void **state)
{
	struct audit_search search = {.limit = 10};
	struct audit_entry *list;
	size_t count;
	struct world w;

	open_world(&w, state);
	struct audit_log_options log = {.db = w.service.db,
		.keys_dir = world_path(&w, "keys"),
		.file = world_path(&w, "keys/checkpoints.jsonl"),
		.now_us = NOW};
	struct signing_key_view v = rotate(&w, false);

	assert_ok(audit_log_open(&log, &w.service.audit));
	w.service.refusals = refusals_new();
	w.caller = (struct caller){.kind = CALLER_SYSTEM};
	w.task.now_us = NOW + LEAD + 2 * TIME_HOUR;
	assert_int_equal(retired(&w), 1);
	assert_ok(audit_list(&w.task, &search, &list, &count));
	assert_int_equal(count, 2);
	assert_true(span_is(list[0].action, "signing_key.retire"));
	assert_true(span_is(list[0].actor, "system"));
	assert_true(span_is(list[1].action, "signing_key.rotate"));
	assert_true(span_is(list[1].actor, "acc_test"));
	assert_true(span_is(list[1].object, v.key.kid));
	assert_true(span_contains(list[1].detail, SPAN("\"kind\":\"access\"")));
	refusals_free(w.service.refusals);
	audit_log_close(w.service.audit);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(test_life),
		ON_BOTH_ENGINES(test_refused),
		ON_BOTH_ENGINES(test_compromise),
		ON_BOTH_ENGINES(test_interval),
		ON_BOTH_ENGINES(test_interval_is_off),
		ON_BOTH_ENGINES(test_audit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
