/*
 * Each metric owns a few slots, one per label value, claimed once and never given back; after that
 * an increment is one relaxed atomic addition. Hard rule: a label value comes from the program, so
 * the slots are bounded; were there ever more values than slots, the rest is counted as "other".
 */
#include "sys/metrics.h"

#include <stdatomic.h>
#include <string.h>

#include "base/banned.h"

#define SLOTS 32

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct slot {
	_Atomic(const char *) label; /* NULL: free */
	_Atomic int64_t value;       /* of a histogram: the sum in microseconds */
};

struct description {
	const char *name;
	enum kind kind;
	const char *label;
	const char *help;
};

#define METRICS_ROW(id, name, kind, label, help) {name, kind, label, help},
static const struct description table[METRIC_COUNT] = {METRICS(METRICS_ROW)};
#undef METRICS_ROW

/* Upper bounds in microseconds; one more bucket holds what is above. */
static const int64_t bounds_us[] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
	500000, 1000000, 2500000, 5000000, 10000000};
static const char *const bound_names[] = {"0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
	"0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"};
#define BUCKETS (ARRAY_LEN(bounds_us) + 1)
_Static_assert(ARRAY_LEN(bounds_us) == ARRAY_LEN(bound_names), "one name per bound");

static struct slot slots[METRIC_COUNT][SLOTS];
static _Atomic uint64_t buckets[METRIC_COUNT][SLOTS][BUCKETS];

/* The slot of this label value, claimed if it is new. */
static size_t slot_of(enum metric m, const char *label_value)
{
	const char *wanted = label_value != NULL ? label_value : "";

	for (size_t i = 0; i < SLOTS; i++) {
		const char *mine = i == SLOTS - 1 ? "other" : wanted;
		const char *present =
			atomic_load_explicit(&slots[m][i].label, memory_order_relaxed);

		if (present == NULL &&
			atomic_compare_exchange_strong(&slots[m][i].label, &present, mine))
			return i;
		/* On failure `present` is the label of the thread that came first. */
		if (i == SLOTS - 1 || present == mine || strcmp(present, mine) == 0)
			return i;
	}
	return SLOTS - 1;
}

void metric_add(enum metric m, const char *label_value, uint64_t n)
{
	atomic_fetch_add_explicit(
		&slots[m][slot_of(m, label_value)].value, (int64_t)n, memory_order_relaxed);
}

void metric_set(enum metric m, const char *label_value, int64_t value)
{
	atomic_store_explicit(
		&slots[m][slot_of(m, label_value)].value, value, memory_order_relaxed);
}

void metric_observe_us(enum metric m, const char *label_value, int64_t duration_us)
{
	size_t slot = slot_of(m, label_value), bucket = 0;

	duration_us = MAX(duration_us, 0);
	while (bucket < ARRAY_LEN(bounds_us) && duration_us > bounds_us[bucket])
		bucket++;
	atomic_fetch_add_explicit(&buckets[m][slot][bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slots[m][slot].value, duration_us, memory_order_relaxed);
}

/* `{status="2xx",le="0.5"}` with the parts there are. */
static void write_labels(struct buf *out, const char *label, const char *value, const char *bound)
{
	bool labelled = label[0] != '\0';

	if (!labelled && bound == NULL)
		return;
	buf_add_byte(out, '{');
	if (labelled)
		buf_addf(out, "%s=\"%s\"", label, value);
	if (bound != NULL)
		buf_addf(out, "%sle=\"%s\"", labelled ? "," : "", bound);
	buf_add_byte(out, '}');
}

static void write_histogram(struct buf *out, enum metric m, size_t slot, const char *value)
{
	const struct description *d = &table[m];
	uint64_t count = 0;
	int64_t sum;

	for (size_t i = 0; i < BUCKETS; i++) {
		count += atomic_load_explicit(&buckets[m][slot][i], memory_order_relaxed);
		buf_addf(out, "%s_bucket", d->name);
		write_labels(out, d->label, value, i < BUCKETS - 1 ? bound_names[i] : "+Inf");
		buf_addf(out, " %llu\n", (unsigned long long)count);
	}
	sum = atomic_load_explicit(&slots[m][slot].value, memory_order_relaxed);
	buf_addf(out, "%s_sum", d->name);
	write_labels(out, d->label, value, NULL);
	buf_addf(out, " %lld.%06lld\n", (long long)(sum / 1000000), (long long)(sum % 1000000));
	buf_addf(out, "%s_count", d->name);
	write_labels(out, d->label, value, NULL);
	buf_addf(out, " %llu\n", (unsigned long long)count);
}

static void write_slot(struct buf *out, enum metric m, size_t slot, const char *value)
{
	const struct description *d = &table[m];

	if (d->kind == HISTOGRAM) {
		write_histogram(out, m, slot, value);
		return;
	}
	buf_add_str(out, d->name);
	write_labels(out, d->label, value, NULL);
	buf_add_byte(out, ' ');
	buf_add_i64(out, atomic_load_explicit(&slots[m][slot].value, memory_order_relaxed));
	buf_add_byte(out, '\n');
}

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

void metrics_write(struct buf *out)
{
	for (enum metric m = 0; m < METRIC_COUNT; m++) {
		const struct description *d = &table[m];

		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", d->name, d->help, d->name,
			kind_names[d->kind]);
		/* A series without labels exists from the start, so that its rate is right. */
		if (d->label[0] == '\0')
			(void)slot_of(m, NULL);
		for (size_t i = 0; i < SLOTS; i++) {
			const char *value =
				atomic_load_explicit(&slots[m][i].label, memory_order_relaxed);
			if (value == NULL)
				break;
			write_slot(out, m, i, value);
		}
	}
}

void metrics_write_reference(struct buf *out)
{
	buf_add_str(out, "| Metric | Kind | Label | Meaning |\n|---|---|---|---|\n");
	for (enum metric m = 0; m < METRIC_COUNT; m++) {
		const struct description *d = &table[m];
		const char *quote = d->label[0] != '\0' ? "`" : "";

		buf_addf(out, "| `%s` | %s | %s%s%s | %s |\n", d->name, kind_names[d->kind], quote,
			d->label, quote, d->help);
	}
}
