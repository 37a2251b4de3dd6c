/* From use cases to records of the published state: which there are, what they say, when they go.
 */
#include "store_world.h"

#include "base/time.h"
#include "catalog/platform.h"
#include "service/packages.h"
#include "service/products.h"
#include "service/publish.h"
#include "service/releases.h"
#include "service/uploads.h"
#include "state/records.h"
#include "sys/clock.h"

static struct product make_product(struct world *w, const char *name)
{
	struct product_input in = {.name = span_from(name), .countries_denied = SPAN("KP SY")};
	struct product p;

	assert_ok(product_create(&w->task, &in, &p));
	return p;
}

static struct release draft(
	struct world *w, const char *product, const char *version, channel_set channels)
{
	struct release_input in = {.product = span_from(product),
		.version = span_from(version),
		.channels = channels,
		.critical = true,
		.min_from = SPAN("0.5.0"),
		.eol_at = 123456789};
	struct release r;
	bool existing;

	assert_ok(release_create(&w->task, &in, &r, &existing));
	assert_false(existing);
	return r;
}

static span upload(struct world *w, const char *content)
{
	struct upload_input in = {
		.filename = SPAN("a.run"), .has_length = true, .length = strlen(content)};
	struct upload_session *s;
	struct upload_view v;

	assert_ok(upload_begin_whole(&w->task, &in, &s));
	assert_ok(upload_receive(&w->task, s, span_from(content)));
	assert_ok(upload_end(&w->task, s, true, &v));
	return v.upload.id;
}

static struct package add(struct world *w, const struct release *r, const char *platform,
	const char *filename, const struct requirement *requires)
{
	struct package_input in = {.release_id = r->id,
		.upload_id = upload(w, arena_printf(w->arena, "#!%s %s", platform, filename)),
		.filename = span_from(filename),
		.platform = span_from(platform),
		.class_ = CLASS_LICENSED,
		.entitlement = SPAN("pro"),
		.requires = requires,
		.requires_count = requires ? 1 : 0};
	struct package_result result;

	assert_ok(package_create(&w->task, &in, &result));
	return result.package;
}

/* The record of a version on a channel and platform; false where there is none. */
static bool find_release(struct world *w, const char *product, const char *version, span platform,
	enum channel c, struct update_release *ret)
{
	struct release_version v;
	struct state_view view;
	span value;
	AUTO(buf) key = {0};

	buf_init(&key, STATE_KEY_MAX);
	assert_ok(release_version_of(span_from(version), &v));
	state_key_releases(&key, span_from(product), platform, c);
	buf_add(&key, span_of(v.key, v.key_len));
	assert_ok(state_begin(w->service.state, &view));
	bool found = state_find(&view, buf_span(&key), &value);

	if (found)
		assert_ok(state_unpack_release(arena_span(w->arena, value), ret));
	state_end(&view);
	return found;
}

static unsigned count_records(struct world *w, const char *prefix)
{
	struct state_view view;
	struct state_walk walk;
	unsigned count = 0;
	span key, value;

	assert_ok(state_begin(w->service.state, &view));
	assert_ok(state_walk_begin(&view, span_from(prefix), &walk));
	while (state_walk_previous(&walk, &key, &value))
		count++;
	state_walk_end(&walk);
	state_end(&view);
	return count;
}

static void test_product_record(void **state)
{
	struct state_product record;
	struct state_view view;
	struct world w;
	span value;
	AUTO(buf) key = {0};

	world_open(&w, state, clock_wall_us());
	struct product p = make_product(&w, "vpn");

	buf_init(&key, STATE_KEY_MAX);
	state_key_product(&key, SPAN("vpn"));
	assert_ok(state_begin(w.service.state, &view));
	assert_true(state_find(&view, buf_span(&key), &value));
	assert_ok(state_unpack_product(value, &record));
	assert_true(span_eq(record.id, p.id));
	assert_span(record.title, "vpn");
	assert_span(record.countries_denied, "KP SY");
	assert_int_equal(record.next_check_s, 6 * 3600);
	state_end(&view);
	world_close(&w);
}

static void check_content(const struct update_release *u, const struct release *r,
	const struct package *exact, const struct package *general)
{
	assert_true(span_eq(u->id, r->id));
	assert_span(u->version_text, "1.0.0");
	assert_int_equal(u->state, RELEASE_PUBLISHED);
	assert_true(u->critical);
	assert_false(u->mandatory);
	assert_span(u->min_from, "0.5.0");
	assert_int_equal(u->eol_us, 123456789);
	assert_span(u->countries_denied, "KP SY");
	assert_true(span_starts_with(u->notes_url, SPAN("/api/v1/releases/rel_")));
	assert_int_equal(u->rollout_reach, UPDATE_COHORTS);
	/* The package made for the platform comes first, although it was added last. */
	assert_int_equal(u->packages_count, 2);
	assert_true(span_eq(u->packages[0].id, exact->id));
	assert_true(span_eq(u->packages[1].id, general->id));
	assert_true(span_eq(u->packages[0].sha256, exact->sha256));
	assert_int_equal(u->packages[0].class_, CLASS_LICENSED);
	assert_span(u->packages[0].entitlement, "pro");
	/* Both require the same: it stands there once. */
	assert_int_equal(u->requires_count, 1);
	assert_span(u->requires[0].product, "lib");
	assert_span(u->requires[0].range, "^1.0");
}

static void test_release_records(void **state)
{
	static const struct requirement needs = {{"", 0}, SPAN_INIT("lib"), SPAN_INIT("^1.0")};
	struct update_release u;
	struct world w;

	world_open(&w, state, clock_wall_us());
	(void)make_product(&w, "lib");
	(void)make_product(&w, "vpn");
	struct release r = draft(&w, "vpn", "1.0.0", CHANNEL_BIT(CHANNEL_BETA));
	struct package general = add(&w, &r, "linux-any", "a.run", &needs);
	struct package exact = add(&w, &r, "linux-amd64", "b.run", &needs);

	assert_int_equal(count_records(&w, "r"), 0); /* a draft */
	assert_ok(release_publish(&w.task, r.id, &r));
	/* Five linux platforms; beta and dev see it. */
	assert_int_equal(count_records(&w, "r"), 5 * 2);
	assert_int_equal(count_records(&w, "f"), 2);
	for (int c = CHANNEL_BETA; c <= CHANNEL_DEV; c++) {
		assert_true(
			find_release(&w, "vpn", "1.0.0", SPAN("linux-amd64"), (enum channel)c, &u));
		check_content(&u, &r, &exact, &general);
		assert_true(
			find_release(&w, "vpn", "1.0.0", SPAN("linux-arm64"), (enum channel)c, &u));
		assert_int_equal(u.packages_count, 1);
	}
	assert_false(find_release(&w, "vpn", "1.0.0", SPAN("linux-amd64"), CHANNEL_STABLE, &u));
	assert_ok(release_promote(&w.task, r.id, CHANNEL_STABLE, &r));
	assert_int_equal(count_records(&w, "r"), 5 * 3);
	assert_ok(release_pause(&w.task, r.id, &r));
	assert_true(find_release(&w, "vpn", "1.0.0", SPAN("linux-386"), CHANNEL_STABLE, &u));
	assert_int_equal(u.state, RELEASE_PAUSED);
	assert_int_equal(count_records(&w, "b"), 0);
	assert_ok(release_withdraw(&w.task, r.id, SPAN("bad"), &r));
	assert_int_equal(count_records(&w, "r"), 0);
	assert_int_equal(count_records(&w, "f"), 0);
	assert_int_equal(count_records(&w, "b"), 2);
	world_close(&w);
}

/* A blocked package is not offered; where it was the only one, the release is not. */
static void test_blocked(void **state)
{
	struct update_release u;
	struct world w;

	world_open(&w, state, clock_wall_us());
	(void)make_product(&w, "vpn");
	struct release r = draft(&w, "vpn", "1.0.0", CHANNEL_BIT(CHANNEL_STABLE));
	struct package general = add(&w, &r, "linux-any", "a.run", NULL);
	struct package exact = add(&w, &r, "linux-amd64", "b.run", NULL), got;

	assert_ok(release_publish(&w.task, r.id, &r));
	assert_ok(package_block(&w.task, general.id, SPAN("why"), &got));
	assert_true(got.blocked);
	assert_int_equal(count_records(&w, "b"), 1);
	assert_true(find_release(&w, "vpn", "1.0.0", SPAN("linux-amd64"), CHANNEL_STABLE, &u));
	assert_int_equal(u.packages_count, 1);
	assert_true(span_eq(u.packages[0].id, exact.id));
	assert_false(find_release(&w, "vpn", "1.0.0", SPAN("linux-arm64"), CHANNEL_STABLE, &u));
	assert_ok(package_unblock(&w.task, general.id, &got));
	assert_int_equal(count_records(&w, "b"), 0);
	assert_int_equal(count_records(&w, "r"), 5 * 3);
	world_close(&w);
}

/* Without the permission nothing moves. */
static void test_permission(void **state)
{
	struct release got;
	struct world w;

	world_open(&w, state, clock_wall_us());
	(void)make_product(&w, "vpn");
	struct release r =
		draft(&w, "vpn", "1.0.0", CHANNEL_BIT(CHANNEL_STABLE) | CHANNEL_BIT(CHANNEL_DEV));

	(void)add(&w, &r, "linux-any", "a.run", NULL);
	w.caller.permissions = SPAN("release.publish.dev release.publish.beta");
	assert_int_equal(release_publish(&w.task, r.id, &got), ERR_DENIED);
	assert_string_equal(w.task.reason, "permission_missing");
	assert_int_equal(count_records(&w, "r"), 0);
	w.caller.permissions = SPAN("release.publish.dev release.publish.stable");
	assert_ok(release_publish(&w.task, r.id, &got));
	assert_int_equal(release_promote(&w.task, r.id, CHANNEL_BETA, &got), ERR_DENIED);
	w.caller.permissions = SPAN("release.publish.beta");
	assert_ok(release_promote(&w.task, r.id, CHANNEL_BETA, &got));
	assert_int_equal(release_withdraw(&w.task, r.id, SPAN("x"), &got), ERR_DENIED);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(test_product_record),
		ON_BOTH_ENGINES(test_release_records),
		ON_BOTH_ENGINES(test_blocked),
		ON_BOTH_ENGINES(test_permission),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
