/* Products, releases, packages, stored blobs and uploads, on both engines. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "catalog/package.h"
#include "catalog/platform.h"
#include "catalog/product.h"
#include "catalog/release.h"
#include "catalog/stored.h"
#include "catalog/upload.h"
#include "support/databases.h"

#define DIGEST_A "aa00000000000000000000000000000000000000000000000000000000000000"
#define DIGEST_B "bb00000000000000000000000000000000000000000000000000000000000000"

/* Runs a body and gives what it returned; results are kept in `arena`. */
static struct arena *arena;

static err write_in(struct db *db, db_body *body)
{
	return db_transact(db, DB_WRITE, body, NULL);
}

/* ---- rules without a database ---- */

static void test_names(void **state)
{
	static const char *const good[] = {"a", "openvpn", "wireguard-tools", "a.b-c.9", "9"};
	static const char *const bad[] = {"", "A", "a_b", "-a", ".a", "a b", "a/b", "ä", "prod_x",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(product_name_is_valid(span_from(good[i])), good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!product_name_is_valid(span_from(bad[i])), bad[i]);
}

static void test_countries(void **state)
{
	(void)state;
	assert_true(countries_are_valid(SPAN("")));
	assert_true(countries_are_valid(SPAN("DE FR")));
	assert_false(countries_are_valid(SPAN("de")));
	assert_false(countries_are_valid(SPAN("DEU")));
	assert_false(countries_are_valid(SPAN("DE  FR")));
	assert_false(countries_are_valid(SPAN("DE ")));
}

static void test_os_versions(void **state)
{
	(void)state;
	assert_true(os_version_is_valid(SPAN("")));
	assert_true(os_version_is_valid(SPAN("10.0.19041.1")));
	assert_false(os_version_is_valid(SPAN("10.0.1.2.3")));
	assert_false(os_version_is_valid(SPAN("10.")));
	assert_false(os_version_is_valid(SPAN("10.x")));
	assert_false(os_version_is_valid(SPAN("99999999999")));
}

static void test_platforms(void **state)
{
	static const struct {
		const char *offered, *wanted;
		unsigned fit;
	} rows[] = {{"linux-amd64", "linux-amd64", 3}, {"linux-any", "linux-arm64", 2},
		{"linux-any", "linux-any", 3}, {"linux-any", "windows-amd64", 0},
		{"any-any", "macos-arm64", 1}, {"any-any", "any-any", 3},
		{"macos-universal", "macos-arm64", 2}, {"macos-arm64", "macos-universal", 0},
		{"linux-amd64", "linux-any", 0}, {"linux-amd64", "linux-arm64", 0}};
	span list = SPAN(PLATFORMS), name;
	size_t i = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		assert_row(platform_serves(span_from(rows[k].offered), span_from(rows[k].wanted)) ==
				   rows[k].fit,
			rows[k].offered);
	/* The text and the table say the same. */
	while (span_cut(&list, ' ', &name))
		assert_true(span_eq(name, platform_at(i++)));
	assert_int_equal(i, PLATFORM_COUNT);
	assert_false(platform_exists(SPAN("linux")));
}

static void test_state_diagram(void **state)
{
	static const bool arrow[RELEASE_STATES][RELEASE_STATES] = {
		[RELEASE_DRAFT] = {[RELEASE_PUBLISHED] = true},
		[RELEASE_PUBLISHED] = {[RELEASE_PAUSED] = true, [RELEASE_WITHDRAWN] = true},
		[RELEASE_PAUSED] = {[RELEASE_PUBLISHED] = true, [RELEASE_WITHDRAWN] = true},
	};

	(void)state;
	for (int from = 0; from < RELEASE_STATES; from++)
		for (int to = 0; to < RELEASE_STATES; to++)
			assert_int_equal(release_may_become(
						 (enum release_state)from, (enum release_state)to),
				arrow[from][to]);
}

/* ---- products ---- */

static struct product make_product(const char *id, const char *name)
{
	return (struct product){.id = span_from(id),
		.name = span_from(name),
		.title = SPAN("A product"),
		.description = SPAN("text"),
		.countries_denied = SPAN("KP"),
		.created_at = 7};
}

static err add_products(struct db_tx *tx, void *arg)
{
	static const char *const names[] = {"one", "two", "three"};
	char id[16];
	err e = OK;

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(names) && !e; i++) {
		(void)snprintf(id, sizeof(id), "prod_%zu", i + 1);
		struct product p = make_product(id, names[i]);

		e = product_add(tx, &p);
	}
	return e;
}

static err add_same_name(struct db_tx *tx, void *arg)
{
	struct product p = make_product("prod_9", "one");

	(void)arg;
	return product_add(tx, &p);
}

static err check_products(struct db_tx *tx, void *arg)
{
	struct product_list page;
	struct product p;

	(void)arg;
	assert_ok(product_get(tx, arena, SPAN("two"), &p));
	assert_span(p.id, "prod_2");
	assert_span(p.countries_denied, "KP");
	assert_int_equal(p.created_at, 7);
	assert_ok(product_get(tx, arena, SPAN("prod_3"), &p));
	assert_span(p.name, "three");
	assert_int_equal(product_get(tx, arena, SPAN("four"), &p), ERR_NOT_FOUND);
	assert_ok(product_list_page(tx, arena, SPAN(""), 2, &page));
	assert_int_equal(page.count, 2);
	assert_ok(product_list_page(tx, arena, page.items[1].id, 2, &page));
	assert_int_equal(page.count, 1);
	assert_span(page.items[0].name, "three");
	return OK;
}

static err change_product(struct db_tx *tx, void *arg)
{
	struct product p = make_product("prod_1", "ignored");
	struct product got;

	(void)arg;
	p.title = SPAN("New");
	assert_ok(product_update(tx, &p));
	assert_ok(product_get(tx, arena, SPAN("one"), &got));
	assert_span(got.title, "New");
	return OK;
}

static void test_products(void **state)
{
	struct db *db = test_db(state);

	assert_ok(write_in(db, add_products));
	assert_int_equal(write_in(db, add_same_name), ERR_CONFLICT);
	assert_ok(db_transact(db, DB_READ, check_products, NULL));
	assert_ok(write_in(db, change_product));
}

static err use_keys(struct db_tx *tx, void *arg)
{
	struct publisher_key k = {.id = SPAN("pk_1"),
		.product_id = SPAN("prod_1"),
		.key_id = SPAN("0123456789ABCDEF"),
		.public_key = SPAN("RWQ"),
		.created_at = 1};
	struct publisher_key_list l;

	(void)arg;
	assert_ok(publisher_key_add(tx, &k));
	assert_ok(publisher_key_list_of(tx, arena, SPAN("prod_1"), &l));
	assert_int_equal(l.count, 1);
	assert_span(l.items[0].key_id, "0123456789ABCDEF");
	assert_ok(publisher_key_list_of(tx, arena, SPAN("prod_2"), &l));
	assert_int_equal(l.count, 0);
	assert_int_equal(publisher_key_delete(tx, SPAN("prod_2"), SPAN("pk_1")), ERR_NOT_FOUND);
	assert_ok(publisher_key_delete(tx, SPAN("prod_1"), SPAN("pk_1")));
	return OK;
}

static void test_publisher_keys(void **state)
{
	struct db *db = test_db(state);

	assert_ok(write_in(db, add_products));
	assert_ok(write_in(db, use_keys));
}

/* ---- releases ---- */

struct new_release {
	const char *id, *version;
	channel_set channels;
	enum release_state state;
};

static err add_release(struct db_tx *tx, void *arg)
{
	const struct new_release *n = arg;
	struct release r = {.id = span_from(n->id),
		.product_id = SPAN("prod_1"),
		.version = span_from(n->version),
		.channels = n->channels,
		.notes = SPAN("# Notes"),
		.critical = true,
		.min_from = SPAN("1.0.0"),
		.eol_at = 99,
		.created_at = 5};
	err e = release_add(tx, &r);

	if (!e && n->state != RELEASE_DRAFT)
		e = release_change_state(tx, &r, RELEASE_PUBLISHED, SPAN(""), 6);
	if (!e && n->state > RELEASE_PUBLISHED)
		e = release_change_state(tx, &r, n->state, SPAN("why"), 7);
	return e;
}

static err check_release(struct db_tx *tx, void *arg)
{
	struct release r;

	(void)arg;
	assert_ok(release_get(tx, arena, SPAN("rel_1"), &r));
	assert_span(r.version, "2.0.0+build.1");
	assert_span(r.product_name, "one");
	assert_int_equal(r.state, RELEASE_DRAFT);
	assert_int_equal(r.channels, CHANNEL_BIT(CHANNEL_BETA) | CHANNEL_BIT(CHANNEL_DEV));
	assert_true(r.critical);
	assert_false(r.mandatory);
	assert_int_equal(r.eol_at, 99);
	assert_int_equal(r.published_at, 0);
	assert_ok(release_get_version(tx, arena, SPAN("prod_1"), SPAN("2.0.0"), &r));
	assert_span(r.id, "rel_1");
	assert_int_equal(
		release_get_version(tx, arena, SPAN("prod_2"), SPAN("2.0.0"), &r), ERR_NOT_FOUND);
	assert_int_equal(
		release_get_version(tx, arena, SPAN("prod_1"), SPAN("2.0"), &r), ERR_INVALID);
	assert_int_equal(release_get(tx, arena, SPAN("rel_9"), &r), ERR_NOT_FOUND);
	return OK;
}

static err change_release(struct db_tx *tx, void *arg)
{
	struct release r;

	(void)arg;
	assert_ok(release_get(tx, arena, SPAN("rel_1"), &r));
	r.eol_at = 0;
	r.notes = SPAN("");
	r.mandatory = true;
	assert_ok(release_update(tx, &r));
	assert_ok(release_set_channels(tx, &r, CHANNEL_BIT(CHANNEL_STABLE), 8));
	assert_ok(release_get(tx, arena, SPAN("rel_1"), &r));
	assert_int_equal(r.channels, CHANNEL_BIT(CHANNEL_STABLE));
	assert_int_equal(r.eol_at, 0);
	assert_true(r.mandatory);
	assert_int_equal(r.notes.len, 0);
	return OK;
}

static err walk_states(struct db_tx *tx, void *arg)
{
	struct release r, stale;

	(void)arg;
	assert_ok(release_get(tx, arena, SPAN("rel_1"), &r));
	stale = r;
	assert_int_equal(
		release_change_state(tx, &r, RELEASE_WITHDRAWN, SPAN("x"), 9), ERR_CONFLICT);
	assert_ok(release_change_state(tx, &r, RELEASE_PUBLISHED, SPAN(""), 10));
	/* Somebody who read it before the change does not publish it twice. */
	assert_int_equal(
		release_change_state(tx, &stale, RELEASE_PUBLISHED, SPAN(""), 11), ERR_CONFLICT);
	assert_ok(release_change_state(tx, &r, RELEASE_PAUSED, SPAN(""), 12));
	assert_ok(release_change_state(tx, &r, RELEASE_PUBLISHED, SPAN(""), 13));
	assert_ok(release_change_state(tx, &r, RELEASE_WITHDRAWN, SPAN("broken"), 14));
	assert_int_equal(
		release_change_state(tx, &r, RELEASE_PUBLISHED, SPAN(""), 15), ERR_CONFLICT);
	assert_ok(release_get(tx, arena, SPAN("rel_1"), &r));
	assert_int_equal(r.state, RELEASE_WITHDRAWN);
	assert_int_equal(r.published_at, 10);
	assert_span(r.withdrawn_reason, "broken");
	return OK;
}

static void test_release(void **state)
{
	static const struct new_release first = {"rel_1", "2.0.0+build.1",
		CHANNEL_BIT(CHANNEL_BETA) | CHANNEL_BIT(CHANNEL_DEV), RELEASE_DRAFT};
	static const struct new_release same = {"rel_2", "2.0.0+build.2", 1, RELEASE_DRAFT};
	static const struct new_release bad = {"rel_3", "2.0", 1, RELEASE_DRAFT};
	struct db *db = test_db(state);

	assert_ok(write_in(db, add_products));
	assert_ok(db_transact(db, DB_WRITE, add_release, (void *)(uintptr_t)&first));
	assert_int_equal(
		db_transact(db, DB_WRITE, add_release, (void *)(uintptr_t)&same), ERR_CONFLICT);
	assert_int_equal(
		db_transact(db, DB_WRITE, add_release, (void *)(uintptr_t)&bad), ERR_INVALID);
	assert_ok(db_transact(db, DB_READ, check_release, NULL));
	assert_ok(write_in(db, change_release));
	assert_ok(write_in(db, walk_states));
}

static void versions_of(struct db_tx *tx, const struct release_view *v, span after, int64_t limit,
	char *to, size_t size)
{
	struct release_list l;
	struct buf text;

	buf_init_fixed(&text, to, size);
	assert_ok(release_visible(tx, arena, v, after, limit, &l));
	for (size_t i = 0; i < l.count; i++) {
		buf_add(&text, l.items[i].version);
		buf_add_byte(&text, ' ');
	}
}

static err check_visible(struct db_tx *tx, void *arg)
{
	struct release_view v = {.product_id = SPAN("prod_1"), .subscribed = CHANNEL_STABLE};
	struct release_filter f = {.product_id = SPAN("prod_1"), .state = SPAN("published")};
	struct release_list l;
	struct id_list live;
	char text[256];

	(void)arg;
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "10.0.0 2.0.0 ");
	v.subscribed = CHANNEL_BETA;
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "10.0.0 3.0.0 3.0.0-rc.1 2.0.0 ");
	v.subscribed = CHANNEL_DEV;
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "11.0.0 10.0.0 3.0.0 3.0.0-rc.1 2.0.0 ");
	v.drafts = true;
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "12.0.0 11.0.0 10.0.0 9.0.0 3.0.0 3.0.0-rc.1 2.0.0 ");
	versions_of(tx, &v, SPAN("rel_10"), 2, text, sizeof(text));
	assert_string_equal(text, "9.0.0 3.0.0 ");
	v.version = SPAN("3.0.0-rc.1");
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "3.0.0-rc.1 ");
	v.version = SPAN("nonsense");
	versions_of(tx, &v, SPAN(""), 10, text, sizeof(text));
	assert_string_equal(text, "");
	assert_ok(release_list_page(tx, arena, &f, SPAN(""), 3, &l));
	assert_int_equal(l.count, 3);
	f.version = SPAN("10.0.0");
	assert_ok(release_list_page(tx, arena, &f, SPAN(""), 3, &l));
	assert_int_equal(l.count, 1);
	assert_ok(release_list_live(tx, arena, SPAN("prod_1"), &live));
	assert_int_equal(live.count, 6);
	return OK;
}

static void test_release_lists(void **state)
{
	static const struct new_release rows[] = {
		{"rel_02", "2.0.0", CHANNEL_BIT(CHANNEL_STABLE), RELEASE_PUBLISHED},
		{"rel_03", "3.0.0", CHANNEL_BIT(CHANNEL_BETA), RELEASE_PUBLISHED},
		{"rel_03rc", "3.0.0-rc.1", CHANNEL_BIT(CHANNEL_BETA), RELEASE_PUBLISHED},
		{"rel_09", "9.0.0", CHANNEL_BIT(CHANNEL_STABLE), RELEASE_PAUSED},
		{"rel_10", "10.0.0", CHANNEL_BIT(CHANNEL_STABLE) | CHANNEL_BIT(CHANNEL_BETA),
			RELEASE_PUBLISHED},
		{"rel_11", "11.0.0", CHANNEL_BIT(CHANNEL_DEV), RELEASE_PUBLISHED},
		{"rel_12", "12.0.0", CHANNEL_BIT(CHANNEL_STABLE), RELEASE_DRAFT},
		{"rel_13", "13.0.0", CHANNEL_BIT(CHANNEL_STABLE), RELEASE_WITHDRAWN},
	};
	struct db *db = test_db(state);

	assert_ok(write_in(db, add_products));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_ok(db_transact(db, DB_WRITE, add_release, (void *)(uintptr_t)&rows[i]));
	assert_ok(db_transact(db, DB_READ, check_visible, NULL));
}

/* ---- packages ---- */

static err claim_both(struct db_tx *tx, void *arg)
{
	(void)arg;
	assert_ok(stored_claim(tx, SPAN(DIGEST_A), 10, 100));
	return stored_claim(tx, SPAN(DIGEST_B), 20, 200);
}

static struct package make_package(const char *id, const char *platform, const char *filename)
{
	return (struct package){.id = span_from(id),
		.release_id = SPAN("rel_1"),
		.filename = span_from(filename),
		.platform = span_from(platform),
		.format = SPAN("deb"),
		.size = 10,
		.sha256 = SPAN(DIGEST_A),
		.class_ = CLASS_LICENSED,
		.entitlement = SPAN("pro"),
		.min_os_version = SPAN("12"),
		.created_at = 3};
}

static err add_packages(struct db_tx *tx, void *arg)
{
	struct requirement needs[] = {{SPAN("prod_2"), SPAN(""), SPAN(">=1.0.0")},
		{SPAN("prod_3"), SPAN(""), SPAN("^2")}};
	struct package p = make_package("pkg_1", "linux-amd64", "a.deb");
	struct package q = make_package("pkg_2", "linux-arm64", "b.deb");

	(void)arg;
	p.requires = needs;
	p.requires_count = 2;
	err e = package_add(tx, &p);

	return e ? e : package_add(tx, &q);
}

static err add_taken_platform(struct db_tx *tx, void *arg)
{
	struct package p = make_package("pkg_3", "linux-amd64", "c.deb");

	(void)arg;
	return package_add(tx, &p);
}

static err add_taken_name(struct db_tx *tx, void *arg)
{
	struct package p = make_package("pkg_3", "linux-386", "a.deb");

	(void)arg;
	return package_add(tx, &p);
}

static err check_packages(struct db_tx *tx, void *arg)
{
	struct package_list l;
	struct package p;
	bool needs;

	(void)arg;
	assert_ok(package_list_of_release(tx, arena, SPAN("rel_1"), &l));
	assert_int_equal(l.count, 2);
	assert_int_equal(l.items[0].requires_count, 2);
	assert_span(l.items[0].requires[0].product_name, "three");
	assert_span(l.items[0].requires[1].product_name, "two");
	assert_span(l.items[0].requires[1].range, ">=1.0.0");
	assert_int_equal(l.items[1].requires_count, 0);
	assert_ok(package_get(tx, arena, SPAN("pkg_1"), &p));
	assert_int_equal(p.class_, CLASS_LICENSED);
	assert_span(p.entitlement, "pro");
	assert_int_equal(p.organisation_id.len, 0);
	assert_false(p.blocked);
	assert_int_equal(p.requires_count, 2);
	assert_ok(package_list_page(tx, arena, SPAN(""), SPAN(""), 10, &l));
	assert_int_equal(l.items[0].requires_count, 2);
	assert_int_equal(l.items[1].requires_count, 0);
	assert_int_equal(package_get(tx, arena, SPAN("pkg_9"), &p), ERR_NOT_FOUND);
	assert_ok(package_list_page(tx, arena, SPAN(""), SPAN("pkg_1"), 10, &l));
	assert_int_equal(l.count, 1);
	/* one → two, one → three */
	assert_ok(product_needs(tx, arena, SPAN("prod_1"), SPAN("prod_3"), &needs));
	assert_true(needs);
	assert_ok(product_needs(tx, arena, SPAN("prod_3"), SPAN("prod_1"), &needs));
	assert_false(needs);
	assert_int_equal(package_organisation_id(tx, arena, SPAN("org_1"), &p.id), ERR_NOT_FOUND);
	return OK;
}

static err sign_and_delete(struct db_tx *tx, void *arg)
{
	struct package p;

	(void)arg;
	assert_ok(package_set_signature(tx, SPAN("pkg_1"), SPAN("text"), SPAN("KEY")));
	assert_ok(package_get(tx, arena, SPAN("pkg_1"), &p));
	assert_span(p.signature, "text");
	assert_ok(package_delete(tx, SPAN("pkg_1")));
	assert_int_equal(package_get(tx, arena, SPAN("pkg_1"), &p), ERR_NOT_FOUND);
	return OK;
}

static void test_packages(void **state)
{
	static const struct new_release release = {"rel_1", "1.0.0", 1, RELEASE_DRAFT};
	struct db *db = test_db(state);

	assert_ok(write_in(db, add_products));
	assert_ok(db_transact(db, DB_WRITE, add_release, (void *)(uintptr_t)&release));
	assert_int_equal(write_in(db, add_packages), ERR_CONFLICT); /* no such blob */
	assert_ok(write_in(db, claim_both));
	assert_ok(write_in(db, add_packages));
	assert_int_equal(write_in(db, add_taken_platform), ERR_CONFLICT);
	assert_int_equal(write_in(db, add_taken_name), ERR_CONFLICT);
	assert_ok(db_transact(db, DB_READ, check_packages, NULL));
	assert_ok(write_in(db, sign_and_delete));
}

/* ---- stored blobs ---- */

static err use_blobs(struct db_tx *tx, void *arg)
{
	span list[100];
	struct blob_row row;
	size_t count;
	bool healed;

	(void)arg;
	assert_ok(stored_get(tx, arena, SPAN(DIGEST_A), &row));
	assert_int_equal(row.state, BLOB_QUARANTINED);
	assert_int_equal(row.size, 10);
	assert_ok(stored_in_state(tx, arena, BLOB_QUARANTINED, SPAN(""), list, &count));
	assert_int_equal(count, 2);
	assert_ok(stored_in_state(tx, arena, BLOB_QUARANTINED, SPAN(DIGEST_A), list, &count));
	assert_int_equal(count, 1);
	assert_ok(stored_verify(tx, SPAN(DIGEST_A), SPAN("deb"), SPAN("{}"), 300, &healed));
	assert_false(healed);
	assert_ok(stored_get(tx, arena, SPAN(DIGEST_A), &row));
	assert_int_equal(row.state, BLOB_VERIFIED);
	assert_span(row.format, "deb");
	/* Damage, and bytes that came again. */
	assert_ok(stored_due_for_scrub(tx, arena, 301, &row));
	assert_span(row.sha256, DIGEST_A);
	assert_ok(stored_scrubbed(tx, SPAN(DIGEST_A), true, 400));
	assert_ok(stored_get(tx, arena, SPAN(DIGEST_A), &row));
	assert_int_equal(row.state, BLOB_DAMAGED);
	assert_int_equal(stored_due_for_scrub(tx, arena, 301, &row), ERR_NOT_FOUND);
	assert_ok(stored_verify(tx, SPAN(DIGEST_A), SPAN("deb"), SPAN("{}"), 500, &healed));
	assert_true(healed);
	return OK;
}

static err use_blocks(struct db_tx *tx, void *arg)
{
	struct scrub_counts counts;
	bool changed;
	span reason;

	(void)arg;
	assert_ok(digest_verdict(tx, arena, SPAN(DIGEST_A), &reason));
	assert_int_equal(reason.len, 0);
	assert_ok(digest_set_block(tx, SPAN(DIGEST_A), SPAN("bad build"), 1));
	assert_ok(digest_set_block(tx, SPAN(DIGEST_A), SPAN("worse build"), 2));
	assert_ok(digest_verdict(tx, arena, SPAN(DIGEST_A), &reason));
	assert_span(reason, "worse build");
	assert_ok(stored_scrubbed(tx, SPAN(DIGEST_A), true, 3));
	/* Lifting one block leaves the other. */
	assert_ok(digest_lift_block(tx, SPAN(DIGEST_A), &changed));
	assert_true(changed);
	assert_ok(digest_verdict(tx, arena, SPAN(DIGEST_A), &reason));
	assert_span(reason, "damaged");
	assert_ok(digest_lift_block(tx, SPAN(DIGEST_A), &changed));
	assert_false(changed);
	assert_ok(stored_scrub_counts(tx, 4, &counts));
	assert_int_equal(counts.blobs, 1);
	assert_int_equal(counts.bytes, 10);
	assert_int_equal(counts.damaged, 1);
	assert_int_equal(counts.due, 0);
	return OK;
}

static void test_blobs(void **state)
{
	struct db *db = test_db(state);

	assert_ok(write_in(db, claim_both));
	assert_ok(write_in(db, use_blobs));
	assert_ok(write_in(db, use_blocks));
}

static err remove_orphan(struct db_tx *tx, void *arg)
{
	span list[100];
	size_t count;

	(void)arg;
	assert_ok(stored_orphans(tx, arena, 150, list, &count));
	assert_int_equal(count, 1);
	assert_span(list[0], DIGEST_A);
	/* Claimed meanwhile. */
	assert_ok(stored_claim(tx, SPAN(DIGEST_A), 10, 160));
	assert_int_equal(stored_begin_removal(tx, SPAN(DIGEST_A), 150), ERR_CONFLICT);
	assert_ok(stored_begin_removal(tx, SPAN(DIGEST_A), 170));
	/* Too late to claim it: the file may be gone. */
	assert_int_equal(stored_claim(tx, SPAN(DIGEST_A), 10, 180), ERR_BUSY);
	assert_ok(stored_end_removal(tx, SPAN(DIGEST_A)));
	assert_ok(stored_claim(tx, SPAN(DIGEST_A), 10, 190));
	/* end_removal never touches what is not being removed. */
	assert_ok(stored_end_removal(tx, SPAN(DIGEST_A)));
	return stored_claim(tx, SPAN(DIGEST_A), 10, 191);
}

static err keep_what_is_held(struct db_tx *tx, void *arg)
{
	struct upload u = {.id = SPAN("upl_1"),
		.account_id = SPAN("acc_1"),
		.length = 20,
		.has_length = true,
		.filename = SPAN("b.deb"),
		.sha256 = SPAN(DIGEST_B),
		.created_at = 1,
		.expires_at = 50};
	span list[100];
	size_t count;

	(void)arg;
	assert_ok(upload_add(tx, &u));
	assert_ok(stored_orphans(tx, arena, 10000, list, &count));
	for (size_t i = 0; i < count; i++)
		assert_false(span_is(list[i], DIGEST_B));
	assert_int_equal(stored_begin_removal(tx, SPAN(DIGEST_B), 10000), ERR_CONFLICT);
	assert_ok(upload_delete(tx, SPAN("upl_1")));
	assert_ok(stored_begin_removal(tx, SPAN(DIGEST_B), 10000));
	return OK;
}

static void test_removal(void **state)
{
	struct db *db = test_db(state);

	assert_ok(write_in(db, claim_both));
	assert_ok(write_in(db, remove_orphan));
	assert_ok(write_in(db, keep_what_is_held));
}

/* ---- uploads ---- */

static err use_uploads(struct db_tx *tx, void *arg)
{
	struct upload u = {.id = SPAN("upl_1"),
		.account_id = SPAN("acc_1"),
		.filename = SPAN("a.deb"),
		.sha256_expected = SPAN(DIGEST_A),
		.created_at = 1,
		.expires_at = 50};
	struct upload got;
	span list[100];
	size_t count;

	(void)arg;
	assert_ok(upload_add(tx, &u));
	assert_ok(upload_get(tx, arena, SPAN("upl_1"), &got));
	assert_false(got.has_length);
	assert_int_equal(got.sha256.len, 0);
	assert_span(got.sha256_expected, DIGEST_A);
	assert_ok(upload_list_expired(tx, arena, 49, list, &count));
	assert_int_equal(count, 0);
	assert_ok(upload_list_expired(tx, arena, 50, list, &count));
	assert_int_equal(count, 1);
	assert_ok(stored_claim(tx, SPAN(DIGEST_A), 7, 1));
	assert_ok(upload_set_finished(tx, SPAN("upl_1"), SPAN(DIGEST_A), 7, 90));
	assert_ok(upload_get(tx, arena, SPAN("upl_1"), &got));
	assert_true(got.has_length);
	assert_int_equal(got.length, 7);
	assert_span(got.sha256, DIGEST_A);
	assert_ok(upload_delete(tx, SPAN("upl_1")));
	assert_int_equal(upload_get(tx, arena, SPAN("upl_1"), &got), ERR_NOT_FOUND);
	return OK;
}

static err add_too_many(struct db_tx *tx, void *arg)
{
	struct upload u = {.account_id = SPAN("acc_1"), .filename = SPAN("a"), .expires_at = 50};
	char id[16];
	err e = OK;

	(void)arg;
	for (int i = 0; i < UPLOADS_UNFINISHED_MAX; i++) {
		(void)snprintf(id, sizeof(id), "upl_%d", i);
		u.id = span_from(id);
		assert_ok(upload_add(tx, &u));
	}
	u.id = SPAN("upl_more");
	e = upload_add(tx, &u);
	u.account_id = SPAN("acc_2");
	assert_ok(upload_add(tx, &u));
	return e;
}

static void test_uploads(void **state)
{
	struct db *db = test_db(state);

	assert_ok(write_in(db, use_uploads));
	assert_int_equal(write_in(db, add_too_many), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_countries),
		cmocka_unit_test(test_os_versions),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_state_diagram),
		ON_BOTH_ENGINES(test_products),
		ON_BOTH_ENGINES(test_publisher_keys),
		ON_BOTH_ENGINES(test_release),
		ON_BOTH_ENGINES(test_release_lists),
		ON_BOTH_ENGINES(test_packages),
		ON_BOTH_ENGINES(test_blobs),
		ON_BOTH_ENGINES(test_removal),
		ON_BOTH_ENGINES(test_uploads),
	};

	arena = arena_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(arena);
	return failed;
}
