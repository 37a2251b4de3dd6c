#include "event/download.h"

#include "test.h"

#define ID "dl_01h455vb4pex5vsknk084sn02q"
#define AT 1700000000000000

static struct event_line get(uint64_t from, uint64_t sent, uint64_t size, int64_t at_us)
{
	static char content_range[64];

	(void)snprintf(content_range, sizeof(content_range), "bytes %llu-%llu/%llu",
		(unsigned long long)from, (unsigned long long)size - 1, (unsigned long long)size);
	return (struct event_line){.kind = EVENT_DOWNLOAD,
		.at_us = at_us,
		.duration_us = 1000000,
		.download = SPAN(ID),
		.filename = SPAN("a.deb"),
		.method = SPAN("GET"),
		.status = from ? 206 : 200,
		.sent = sent,
		.size = size,
		.content_range = from ? span_from(content_range) : SPAN_EMPTY};
}

static struct download granted(void)
{
	return (struct download){.id = SPAN(ID),
		.filename = SPAN("a.deb"),
		.size = 1000,
		.granted_at_us = AT,
		.expires_at_us = AT + 900000000};
}

/* All arrows of the picture, and no others. */
static void states(void **state UNUSED)
{
	static const char *const allowed[DOWNLOAD_STATES] = {
		"granted started transferred completed failed",
		"started transferred completed failed", "transferred completed failed", "completed",
		"failed"};
	enum download_state s;

	for (enum download_state from = 0; from < DOWNLOAD_STATES; from++)
		for (enum download_state to = 0; to < DOWNLOAD_STATES; to++) {
			const char *name = download_state_name(to);

			assert_int_equal(download_may_become(from, to),
				span_contains(span_from(allowed[from]), span_from(name)));
		}
	assert_false(download_state_from_name(SPAN("done"), &s));
	assert_true(download_state_from_name(SPAN("failed"), &s));
	assert_int_equal(s, DOWNLOAD_FAILED);
}

static void what_sends_nothing_counts_nothing(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct event_line line = get(0, 1000, 1000, AT);

	line.method = SPAN("HEAD");
	assert_false(download_add_line(&d, &line, a));
	line = get(0, 0, 1000, AT);
	line.status = 304;
	assert_false(download_add_line(&d, &line, a));
	line.status = 403;
	line.sent = 100;
	assert_false(download_add_line(&d, &line, a));
	assert_int_equal(d.state, DOWNLOAD_GRANTED);
	assert_int_equal(d.requests, 0);
	assert_int_equal(d.bytes_sent, 0);
}

/* A download cut at 300 bytes and resumed with some overlap ends as one record. */
static void interrupted_and_resumed(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct event_line line = get(0, 300, 1000, AT + 2000000);

	line.agent = SPAN("slipway-update/0.1.0 (linux; amd64)");
	line.country = SPAN("DE");
	assert_true(download_add_line(&d, &line, a));
	assert_int_equal(d.state, DOWNLOAD_STARTED);
	assert_int_equal(d.bytes, 300);
	line = get(250, 750, 1000, AT + 9000000);
	assert_true(download_add_line(&d, &line, a));
	assert_int_equal(d.state, DOWNLOAD_TRANSFERRED);
	assert_int_equal(d.bytes, 1000);
	assert_int_equal(d.bytes_sent, 1050);
	assert_int_equal(d.requests, 2);
	assert_span(d.ranges, "0-999");
	assert_int_equal(d.first_byte_at_us, AT + 1000000);
	assert_int_equal(d.last_byte_at_us, AT + 9000000);
	assert_int_equal(d.duration_ms, 8000);
	assert_span(d.country, "DE");
	assert_span(d.client_os, "linux");
	assert_span(d.client_version, "slipway-update/0.1.0");
}

static void bytes_beyond_the_file(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct event_line line = get(0, 5000, 9000, AT);

	assert_true(download_add_line(&d, &line, a));
	assert_int_equal(d.bytes, 1000);
	assert_int_equal(d.bytes_sent, 5000);
	line = get(2000, 10, 9000, AT);
	assert_true(download_add_line(&d, &line, a));
	assert_int_equal(d.bytes, 1000);
}

static void files_of_a_release(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct event_line line = get(0, 100, 600, AT);

	d.filename = SPAN_EMPTY;
	assert_true(download_add_line(&d, &line, a));
	line = get(0, 400, 400, AT);
	line.filename = SPAN("b.deb");
	assert_true(download_add_line(&d, &line, a));
	assert_span(d.ranges, "a.deb:0-99;b.deb:0-399");
	assert_int_equal(d.bytes, 500);
	assert_int_equal(d.state, DOWNLOAD_STARTED);
	line = get(100, 500, 600, AT);
	assert_true(download_add_line(&d, &line, a));
	assert_span(d.ranges, "a.deb:0-599;b.deb:0-399");
	assert_int_equal(d.state, DOWNLOAD_TRANSFERRED);
}

static void reports(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct download_report r = {.success = true,
		.bytes = 1000,
		.duration_ms = 1234,
		.client_os = SPAN("linux"),
		.client_version = SPAN("1.2.3")};
	struct event_line line = get(0, 1000, 1000, AT);
	bool changed;

	assert_ok(download_add_report(&d, &r, AT, a, &changed));
	assert_true(changed);
	assert_int_equal(d.state, DOWNLOAD_COMPLETED);
	assert_int_equal(d.duration_ms, 1234);
	assert_ok(download_add_report(&d, &r, AT + 1, a, &changed));
	assert_false(changed);
	assert_int_equal(d.reported_at_us, AT);
	/* A line that comes later adds its bytes and leaves what the client said. */
	line.agent = SPAN("curl/8.0");
	assert_true(download_add_line(&d, &line, a));
	assert_int_equal(d.state, DOWNLOAD_COMPLETED);
	assert_int_equal(d.bytes, 1000);
	assert_int_equal(d.duration_ms, 1234);
	assert_span(d.client_version, "1.2.3");

	struct download_report other[] = {r, r, r, r};

	other[0].success = false;
	other[1].bytes = 999;
	other[2].duration_ms = 1;
	other[3].client_os = SPAN("windows");
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(download_add_report(&d, &other[i], AT, a, &changed), ERR_CONFLICT);
}

static void revoked(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = granted();
	struct download_report r = {.success = true, .bytes = 1000};
	bool changed;

	download_revoke(&d);
	assert_int_equal(d.state, DOWNLOAD_FAILED);
	assert_span(d.error, "revoked");
	assert_int_equal(download_add_report(&d, &r, AT, a, &changed), ERR_CONFLICT);
	d = granted();
	assert_ok(download_add_report(&d, &r, AT, a, &changed));
	download_revoke(&d);
	assert_int_equal(d.state, DOWNLOAD_COMPLETED);
}

static void jti(void **state UNUSED)
{
	char text[DOWNLOAD_JTI_SIZE];
	span id = SPAN_EMPTY;
	int64_t n = 0;

	download_jti(SPAN(ID), 12, text);
	assert_string_equal(text, ID ".12");
	assert_true(download_of_jti(span_from(text), &id, &n));
	assert_span(id, ID);
	assert_int_equal(n, 12);
	assert_false(download_of_jti(SPAN(ID), &id, &n));
	assert_false(download_of_jti(SPAN("dl_x."), &id, &n));
	assert_false(download_of_jti(SPAN("dl_x.-1"), &id, &n));
	assert_false(download_of_jti(SPAN("dl_x.01"), &id, &n));
	assert_false(download_of_jti(SPAN("ses_x.1"), &id, &n));
	assert_false(download_of_jti(
		SPAN("dl_123456789012345678901234567890123456789012345678901234567890.1"), &id,
		&n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(what_sends_nothing_counts_nothing),
		cmocka_unit_test(interrupted_and_resumed),
		cmocka_unit_test(bytes_beyond_the_file),
		cmocka_unit_test(files_of_a_release),
		cmocka_unit_test(reports),
		cmocka_unit_test(revoked),
		cmocka_unit_test(jti),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
