/*
 * The threads of the jobs. Hard rule: a job does a bounded piece of work and looks at `stopping`,
 * so that the program stops within a moment.
 */
#include "jobs/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "feed/feed.h"
#include "service/audit.h"
#include "service/mail.h"
#include "service/scrub.h"
#include "service/signing_keys.h"
#include "service/tidy.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/metrics.h"

#include "base/banned.h"

/* ---- the jobs ---- */

/* Removes or renews what is due and counts it. */
typedef err tidy_function(struct task *t, unsigned *ret_count);
/* Anything else. *stopping: end soon, whatever is left. */
typedef err job_function(struct task *t, const atomic_bool *stopping);

static void say_count(const char *message, unsigned count)
{
	if (count)
		log_info(message, LOG_INT("count", count));
}

static err scrub(struct task *t, const atomic_bool *stopping)
{
	struct scrub_step step = {0};
	err e;

	do {
		t->now_us = clock_wall_us();
		e = scrub_next(t, stopping, &step);
		if (!e && step.damaged)
			log_error("stored file is damaged", LOG_SPAN("sha256", step.sha256));
	} while (!e && step.checked && !atomic_load(stopping));
	return e == ERR_CANCELLED ? OK : e;
}

static err expire_feed(struct task *t, const atomic_bool *stopping UNUSED)
{
	uint64_t seq;

	return feed_expire(t->service->db, t->now_us, &seq);
}

static err measure_disk(struct task *t UNUSED, const atomic_bool *stopping UNUSED)
{
	uint64_t bytes;
	err e = disk_free(".", &bytes); /* the data directory: where the control plane runs */

	if (!e)
		metric_set(METRIC_DISK_FREE, NULL, (int64_t)bytes);
	return e;
}

static err rotate_keys(struct task *t, const atomic_bool *stopping UNUSED)
{
	struct signing_keys_done done = {0};
	err e = signing_keys_turn(t, &done);

	say_count("next signing keys published", done.rotated);
	say_count("signing keys retired", done.retired);
	metric_set(METRIC_KEYS_OVERDUE, NULL, done.overdue);
	return e;
}

static err send_mail(struct task *t, const atomic_bool *stopping)
{
	unsigned sent = 0, failed = 0;
	err e = mail_send_due(t, stopping, &sent, &failed);

	say_count("mails sent", sent);
	say_count("mails given up", failed);
	return e;
}

/* The shutdown seals once more, when nothing is going on any longer (server/control.c). */
static err seal_audit(struct task *t, const atomic_bool *stopping UNUSED)
{
	return audit_tick(t, false);
}

/* Either tidies, and its count is logged with these words, or runs. */
static const struct job {
	const char *name;
	int64_t interval_us;
	const char *tidied;
	tidy_function *tidy;
	job_function *run;
} table[] = {
	{"tidy_products", TIME_DAY, "product records renewed", tidy_products, NULL},
	{"tidy_uploads", TIME_MINUTE, "uploads expired", tidy_uploads, NULL},
	{"tidy_upload_files", TIME_HOUR, "uploads nobody knows removed", tidy_upload_files, NULL},
	{"tidy_blobs", TIME_HOUR, "files nobody holds removed", tidy_blobs, NULL},
	{"tidy_blob_files", TIME_DAY, "files nobody knows removed", tidy_blob_files, NULL},
	{"tidy_events", TIME_HOUR, "old events deleted", tidy_events, NULL},
	{"tidy_tickets", TIME_HOUR, "tickets expired", tidy_tickets, NULL},
	{"tidy_sessions", TIME_HOUR, "sessions long over forgotten", tidy_sessions, NULL},
	{"tidy_mail", TIME_DAY, "old mails forgotten", mail_tidy, NULL},
	{"expire_feed", TIME_MINUTE, NULL, NULL, expire_feed},
	{"measure_disk", 15 * TIME_SECOND, NULL, NULL, measure_disk},
	{"rotate_keys", TIME_MINUTE, NULL, NULL, rotate_keys},
	{"scrub", 2 * TIME_SECOND, NULL, NULL, scrub},
	{"send_mail", TIME_SECOND, NULL, NULL, send_mail},
	{"seal_audit", TIME_SECOND, NULL, NULL, seal_audit},
};

/* ---- the threads ---- */

struct jobs {
	struct service *service;
	struct worker {
		struct jobs *jobs;
		const struct job *job;
		pthread_t thread;
	} workers[ARRAY_LEN(table)];
	size_t started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stopping;
};

static void run_job(struct jobs *j, const struct job *job)
{
	struct caller self = {.kind = CALLER_SYSTEM};
	AUTO_PTR(arena) a = arena_new();
	struct task t = {
		.service = j->service, .caller = &self, .arena = a, .now_us = clock_wall_us()};
	unsigned count = 0;
	err e = job->tidy ? job->tidy(&t, &count) : job->run(&t, &j->stopping);

	if (job->tidy)
		say_count(job->tidied, count);
	if (e)
		log_warn("job failed", LOG_STR("job", job->name), LOG_ERR(e),
			LOG_STR("detail", t.detail ? t.detail : ""));
}

static void wait_until(struct jobs *j, int64_t monotonic_us)
{
	struct timespec at = {monotonic_us / TIME_SECOND, monotonic_us % TIME_SECOND * 1000};

	(void)pthread_mutex_lock(&j->lock);
	while (!atomic_load(&j->stopping) && pthread_cond_timedwait(&j->wake, &j->lock, &at) == 0)
		;
	(void)pthread_mutex_unlock(&j->lock);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load(&w->jobs->stopping)) {
		run_job(w->jobs, w->job);
		wait_until(w->jobs, clock_monotonic_us() + w->job->interval_us);
	}
	return NULL;
}

err jobs_start(struct service *service, struct jobs **ret)
{
	struct jobs *j = calloc(1, sizeof(*j));
	pthread_condattr_t monotonic;

	if (!j)
		return ERR_NOMEM;
	j->service = service;
	(void)pthread_mutex_init(&j->lock, NULL); /* cannot fail without attributes */
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&j->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	for (; j->started < ARRAY_LEN(table); j->started++) {
		struct worker *w = &j->workers[j->started];

		*w = (struct worker){.jobs = j, .job = &table[j->started]};
		if (pthread_create(&w->thread, NULL, work, w)) {
			jobs_stop(j);
			return ERR_NOMEM;
		}
	}
	*ret = j;
	return OK;
}

void jobs_stop(struct jobs *j)
{
	if (!j)
		return;
	(void)pthread_mutex_lock(&j->lock);
	atomic_store(&j->stopping, true);
	(void)pthread_cond_broadcast(&j->wake);
	(void)pthread_mutex_unlock(&j->lock);
	for (size_t i = 0; i < j->started; i++)
		(void)pthread_join(j->workers[i].thread, NULL);
	(void)pthread_cond_destroy(&j->wake);
	(void)pthread_mutex_destroy(&j->lock);
	free(j);
}
