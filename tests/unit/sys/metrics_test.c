#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "sys/files.h"
#include "sys/metrics.h"

static bool exposition_has(const char *wanted)
{
	AUTO(buf) b = {0};

	buf_init(&b, 1000000);
	metrics_write(&b);
	assert_ok(buf_error(&b));
	return span_contains(buf_span(&b), span_from(wanted));
}

static void counters_and_gauges(void **state UNUSED)
{
	assert_true(exposition_has("\nslipway_events_total 0\n"));
	metric_add(METRIC_EVENTS, NULL, 3);
	metric_add(METRIC_EVENTS, NULL, 4);
	assert_true(
		exposition_has("\n# TYPE slipway_events_total counter\nslipway_events_total 7\n"));
	metric_set(METRIC_STATE_LAG, NULL, 12);
	metric_set(METRIC_STATE_LAG, NULL, -2);
	assert_true(exposition_has("\nslipway_state_lag -2\n"));
	assert_false(exposition_has("slipway_logins_total{"));
	metric_add(METRIC_LOGINS, "refused", 1);
	assert_true(exposition_has("\nslipway_logins_total{outcome=\"refused\"} 1\n"));
}

static void histograms_are_cumulative(void **state UNUSED)
{
	metric_observe_us(METRIC_DB_SECONDS, "read", 1000);
	metric_observe_us(METRIC_DB_SECONDS, "read", 1001);
	metric_observe_us(METRIC_DB_SECONDS, "read", 99000000);
	metric_observe_us(METRIC_DB_SECONDS, "read", -5);
	assert_true(exposition_has(
		"slipway_db_transaction_seconds_bucket{mode=\"read\",le=\"0.0005\"} 1\n"));
	assert_true(exposition_has(
		"slipway_db_transaction_seconds_bucket{mode=\"read\",le=\"0.001\"} 2\n"));
	assert_true(exposition_has(
		"slipway_db_transaction_seconds_bucket{mode=\"read\",le=\"10\"} 3\n"));
	assert_true(exposition_has(
		"slipway_db_transaction_seconds_bucket{mode=\"read\",le=\"+Inf\"} 4\n"));
	assert_true(
		exposition_has("slipway_db_transaction_seconds_sum{mode=\"read\"} 99.002001\n"));
	assert_true(exposition_has("slipway_db_transaction_seconds_count{mode=\"read\"} 4\n"));
}

static void too_many_labels_are_other(void **state UNUSED)
{
	static char labels[40][8];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(labels[i], sizeof(labels[i]), "r%d", i);
		metric_add(METRIC_GRANTS, labels[i], 1);
	}
	assert_true(exposition_has("slipway_grants_total{reason=\"r30\"} 1\n"));
	assert_true(exposition_has("slipway_grants_total{reason=\"other\"} 9\n"));
}

static void *add_many(void *unused)
{
	static const char *const classes[] = {"2xx", "4xx", "5xx"};

	for (unsigned i = 0; i < 30000; i++)
		metric_add(METRIC_HTTP_REQUESTS, classes[i % 3], 1);
	return unused;
}

static void threads_lose_nothing(void **state UNUSED)
{
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_join(threads[i], NULL);
	assert_true(exposition_has("slipway_http_requests_total{status=\"2xx\"} 40000\n"));
	assert_true(exposition_has("slipway_http_requests_total{status=\"5xx\"} 40000\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_and_gauges),
		cmocka_unit_test(histograms_are_cumulative),
		cmocka_unit_test(too_many_labels_are_other),
		cmocka_unit_test(threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
