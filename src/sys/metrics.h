#ifndef SLIPWAY_SYS_METRICS_H
#define SLIPWAY_SYS_METRICS_H

/*
 * Counters, gauges and histograms in the Prometheus text format (version 0.0.4). Each metric is a
 * row of METRICS below: the table is the documentation and a test compares it with docs/metrics.md.
 * Labels have a fixed, small set of values; nothing a client sends becomes a label.
 * Any thread; relaxed atomics.
 */

#include "base/buf.h"

/* name, kind, label name or "", help */
#define METRICS(X)                                                                                 \
	X(HTTP_REQUESTS, "slipway_http_requests_total", COUNTER, "status",                         \
		"API requests by status class")                                                    \
	X(HTTP_SECONDS, "slipway_http_request_seconds", HISTOGRAM, "", "API request duration")     \
	X(DB_SECONDS, "slipway_db_transaction_seconds", HISTOGRAM, "mode",                         \
		"Database transactions")                                                           \
	X(DB_SLOW, "slipway_db_slow_statements_total", COUNTER, "", "Statements over the limit")   \
	X(DB_RETRIES, "slipway_db_retries_total", COUNTER, "", "Transactions run again")           \
	X(LOGINS, "slipway_logins_total", COUNTER, "outcome", "Sign-ins by outcome")               \
	X(PASSWORD_HASHES, "slipway_password_hashes_total", COUNTER, "",                           \
		"Passwords hashed, to be kept or compared")                                        \
	X(GRANTS, "slipway_grants_total", COUNTER, "reason", "Download grants by policy reason")   \
	X(EVENTS, "slipway_events_total", COUNTER, "", "Events taken in")                          \
	X(EVENTS_TORN, "slipway_events_torn_total", COUNTER, "",                                   \
		"Log lines that could not be read")                                                \
	X(EVENT_LAG, "slipway_event_lag_seconds", GAUGE, "",                                       \
		"Age of the newest event at ingestion")                                            \
	X(STATE_SEQ, "slipway_state_seq", GAUGE, "", "Sequence the published state has reached")   \
	X(STATE_LAG, "slipway_state_lag", GAUGE, "", "Changes not yet in the published state")     \
	X(UPLOAD_BYTES, "slipway_upload_bytes_total", COUNTER, "", "Bytes received in uploads")    \
	X(SCRUB_BYTES, "slipway_scrub_bytes_total", COUNTER, "",                                   \
		"Bytes re-hashed by the scrubber")                                                 \
	X(SCRUB_FAILURES, "slipway_scrub_failures_total", COUNTER, "", "Files found damaged")      \
	X(DISK_FREE, "slipway_disk_free_bytes", GAUGE, "", "Free space in the data directory")     \
	X(CIRCUIT_OPEN, "slipway_circuit_open", GAUGE, "service",                                  \
		"1 while a service that failed is not asked")                                      \
	X(REDIS_SECONDS, "slipway_redis_call_seconds", HISTOGRAM, "", "Calls of Redis")            \
	X(REDIS_FAILURES, "slipway_redis_failures_total", COUNTER, "reason",                       \
		"Calls of Redis that failed")                                                      \
	X(LIMITS_HERE, "slipway_limits_counted_here_total", COUNTER, "limit",                      \
		"What this node counted for itself because Redis was away")                        \
	X(KEYS_OVERDUE, "slipway_signing_keys_overdue", GAUGE, "",                                 \
		"Signing keys in tokens that are older than key.rotation")

#define METRICS_ENUM(id, name, kind, label, help) METRIC_##id,
enum metric { METRICS(METRICS_ENUM) METRIC_COUNT };
#undef METRICS_ENUM

/* label_value must come from a fixed set (it is kept); NULL for metrics without a label. */
void metric_add(enum metric m, const char *label_value, uint64_t n);
void metric_set(enum metric m, const char *label_value, int64_t value);
void metric_observe_us(enum metric m, const char *label_value, int64_t duration_us);
/* The exposition, all metrics in the order of the table. */
void metrics_write(struct buf *out);
/* The table in Markdown: what docs/metrics.md holds. */
void metrics_write_reference(struct buf *out);

#endif
