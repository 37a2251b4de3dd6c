/*
 * Hard rule: the lock is never held while something is fetched. What is fetched belongs to the
 * caller until it is stored; entries are copied out, key sets shared by reference.
 */
#include "federation/issuers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "net/foreign.h"

#include "base/banned.h"

#define FRESH_FOR     TIME_HOUR
#define STALE_FOR     TIME_DAY
#define KEYS_APART    TIME_MINUTE
#define FAILED_FOR    (10 * TIME_SECOND)
#define PROBLEM_SIZE  400
#define ISSUER_MAX    2048
#define STALE_RETRIED TIME_MINUTE
#define OPEN_FOR      (10 * TIME_SECOND)
#define WAIT_S        5
#define WAITING_MAX   8

struct entry {
	char *issuer; /* NULL: the place is free */
	char *document;
	int64_t document_at_us, document_tried_at_us;
	struct key_set *keys; /* or NULL */
	int64_t keys_at_us, keys_tried_at_us;
	int64_t document_open_us, keys_open_us; /* when the attempt under way began, or 0 */
	int64_t failed_at_us;                   /* 0: the last attempt went well */
	char problem[PROBLEM_SIZE];
	int64_t used_at_us;
};

struct issuers {
	struct foreign *foreign;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t ended; /* an attempt has */
	unsigned waiting;
	struct entry entries[ISSUERS_MAX];
};

struct issuers *issuers_new(struct foreign *foreign)
{
	struct issuers *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	if (!s)
		abort();
	s->foreign = foreign;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return s;
}

static void clear(struct entry *e)
{
	free(e->issuer);
	free(e->document);
	key_set_unref(e->keys);
	*e = (struct entry){0};
}

void issuers_free(struct issuers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		clear(&s->entries[i]);
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static char *copy(span s)
{
	char *text = strndup(s.ptr, s.len);

	if (!text)
		abort();
	return text;
}

/* The issuer's entry, a new one in the place of the one least lately used if there is none. */
static struct entry *entry_locked(struct issuers *s, span issuer, int64_t now_us)
{
	struct entry *oldest = &s->entries[0];

	for (size_t i = 0; i < ISSUERS_MAX; i++) {
		struct entry *e = &s->entries[i];

		if (e->issuer && span_eq(span_from(e->issuer), issuer)) {
			e->used_at_us = now_us;
			return e;
		}
		if (e->used_at_us < oldest->used_at_us)
			oldest = e;
	}
	clear(oldest);
	oldest->issuer = copy(issuer);
	oldest->used_at_us = now_us;
	return oldest;
}

/* Fetching --------------------------------------------------------------------------------------
 */

static err get(struct issuers *s, struct arena *a, const char *url, size_t max, span *ret_body,
	const char **ret_problem)
{
	static const struct http_header accept = {"Accept", SPAN_INIT("application/json")};
	struct http_answer answer;
	err e;

	http_answer_init(&answer);
	e = foreign_send(s->foreign,
		&(struct foreign_request){
			.url = url, .headers = &accept, .headers_count = 1, .body_max = max},
		&answer);
	if (!e && answer.status != 200)
		e = ERR_UNAVAILABLE;
	if (e)
		*ret_problem = arena_printf(
			a, "%s: %.*s", url, SPAN_ARG(span_sub(buf_span(&answer.detail), 0, 200)));
	else
		*ret_body = arena_span(a, buf_span(&answer.body));
	http_answer_done(&answer);
	return e ? ERR_UNAVAILABLE : OK;
}

static err fetch_document(struct issuers *s, struct arena *a, span issuer, span *ret_body,
	struct discovery *ret, const char **ret_problem)
{
	span body;
	err e;

	if (issuer.len == 0 || issuer.len > ISSUER_MAX) {
		*ret_problem = "the issuer is not a URL";
		return ERR_UNAVAILABLE;
	}
	e = get(s, a, discovery_url(a, issuer), DISCOVERY_MAX_BYTES, &body, ret_problem);
	if (e)
		return e;
	*ret_problem = discovery_parse(a, body, issuer, ret);
	*ret_body = body;
	return *ret_problem ? ERR_UNAVAILABLE : OK;
}

static err fetch_keys(struct issuers *s, struct arena *a, span url, struct key_set **ret,
	const char **ret_problem)
{
	span body;
	err e = get(s, a, arena_str(a, url), KEY_SET_MAX_BYTES, &body, ret_problem);

	if (e)
		return e;
	e = key_set_parse(body, ret);
	if (e)
		*ret_problem = e == ERR_TOO_LARGE ? "the key set has too many keys"
						  : "the key set is not a JSON Web Key Set";
	return e ? ERR_UNAVAILABLE : OK;
}

/* Remembers how an attempt ended. */
static void note_locked(struct entry *e, err outcome, const char *problem, int64_t now_us)
{
	e->failed_at_us = outcome ? now_us : 0;
	if (outcome)
		(void)snprintf(e->problem, sizeof(e->problem), "%s", problem);
}

/* Waiting ---------------------------------------------------------------------------------------
 */

#define STILL_ASKED "it is being asked already, and has not answered yet"

/* An attempt that takes longer than this holds nobody else up. */
static bool is_open(int64_t began_us, int64_t now_us)
{
	return began_us && now_us - began_us < OPEN_FOR;
}

static struct timespec waits_end(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	return until;
}

/*
 * For the end of any attempt; false: no longer. Of those who want what somebody asks for already
 * few wait, as each holds a thread for as long as the other server likes.
 */
static bool wait_locked(struct issuers *s, const struct timespec *until)
{
	if (s->waiting >= WAITING_MAX)
		return false;
	s->waiting++;
	int r = pthread_cond_timedwait(&s->ended, &s->lock, until);

	s->waiting--;
	return r == 0;
}

/* Discovery -------------------------------------------------------------------------------------
 */

enum have { HAVE_FRESH, HAVE_STALE, HAVE_FAILED, HAVE_NOTHING, HAVE_ASKED };

static err parse_kept(struct arena *a, span document, span issuer, struct discovery *ret,
	const char **ret_problem)
{
	*ret_problem = discovery_parse(a, document, issuer, ret);
	return *ret_problem ? ERR_CORRUPT : OK;
}

static enum have look_locked(
	struct issuers *s, struct arena *a, span issuer, int64_t now_us, const char **ret_text)
{
	struct entry *e = entry_locked(s, issuer, now_us);
	int64_t age = now_us - e->document_at_us;
	enum have have = HAVE_NOTHING;

	if (e->document && age < STALE_FOR) {
		bool again = age >= FRESH_FOR && now_us - e->document_tried_at_us >= STALE_RETRIED;

		have = again ? HAVE_STALE : HAVE_FRESH;
		*ret_text = arena_strdup(a, e->document);
	} else if (e->failed_at_us && now_us - e->failed_at_us < FAILED_FOR) {
		have = HAVE_FAILED;
		*ret_text = arena_strdup(a, e->problem);
	} else if (is_open(e->document_open_us, now_us)) {
		have = HAVE_ASKED;
	}
	if (have == HAVE_STALE || have == HAVE_NOTHING)
		e->document_tried_at_us = e->document_open_us = now_us;
	return have;
}

/*
 * What is remembered, copied out; ret_text is the document or the problem. HAVE_STALE,
 * HAVE_NOTHING: the caller is the one to fetch it.
 */
static enum have look(
	struct issuers *s, struct arena *a, span issuer, int64_t now_us, const char **ret_text)
{
	const struct timespec until = waits_end();
	enum have have;

	pthread_mutex_lock(&s->lock);
	do
		have = look_locked(s, a, issuer, now_us, ret_text);
	while (have == HAVE_ASKED && wait_locked(s, &until));
	pthread_mutex_unlock(&s->lock);
	if (have != HAVE_ASKED)
		return have;
	*ret_text = STILL_ASKED;
	return HAVE_FAILED;
}

static err refresh_document(struct issuers *s, struct arena *a, span issuer, int64_t now_us,
	struct discovery *ret, const char **ret_problem)
{
	span body;
	err e = fetch_document(s, a, issuer, &body, ret, ret_problem);

	pthread_mutex_lock(&s->lock);
	struct entry *entry = entry_locked(s, issuer, now_us);

	note_locked(entry, e, *ret_problem, now_us);
	entry->document_open_us = 0;
	if (!e) {
		free(entry->document);
		entry->document = copy(body);
		entry->document_at_us = now_us;
	}
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
	return e;
}

err issuer_discover(struct issuers *s, struct arena *a, span issuer, bool fresh, int64_t now_us,
	struct discovery *ret, const char **ret_problem)
{
	const char *text = NULL;
	enum have have = fresh ? HAVE_NOTHING : look(s, a, issuer, now_us, &text);

	if (have == HAVE_FAILED) {
		*ret_problem = text;
		return ERR_UNAVAILABLE;
	}
	if (have == HAVE_FRESH)
		return parse_kept(a, span_from(text), issuer, ret, ret_problem);
	err e = refresh_document(s, a, issuer, now_us, ret, ret_problem);

	return e && have == HAVE_STALE ? parse_kept(a, span_from(text), issuer, ret, ret_problem)
				       : e;
}

/* Keys ------------------------------------------------------------------------------------------
 */

/* What keys there are, and who fetches newer ones. */
struct kept {
	struct key_set *keys; /* a reference, or NULL */
	bool due;             /* the caller is to fetch */
	bool asked;           /* there are none, and somebody else fetches */
};

static struct kept kept_keys_locked(struct issuers *s, struct arena *a, span issuer, span kid,
	int64_t now_us, const char **ret_problem)
{
	struct entry *e = entry_locked(s, issuer, now_us);
	int64_t age = now_us - e->keys_at_us, pause = now_us - e->keys_tried_at_us;
	bool failed = e->failed_at_us && now_us - e->failed_at_us < FAILED_FOR;
	struct kept k = {0};

	if (e->keys && age < STALE_FOR) {
		k.keys = key_set_ref(e->keys);
		k.due = (age >= FRESH_FOR || !key_set_has(k.keys, kid)) && pause >= KEYS_APART;
	} else {
		k.asked = !failed && is_open(e->keys_open_us, now_us);
		k.due = !failed && !k.asked;
	}
	if (k.due)
		e->keys_tried_at_us = e->keys_open_us = now_us;
	else if (!k.keys)
		*ret_problem = k.asked ? STILL_ASKED : arena_strdup(a, e->problem);
	return k;
}

/* Waits for the first keys where somebody else fetches them. */
static struct kept kept_keys(struct issuers *s, struct arena *a, span issuer, span kid,
	int64_t now_us, const char **ret_problem)
{
	const struct timespec until = waits_end();
	struct kept k;

	pthread_mutex_lock(&s->lock);
	do
		k = kept_keys_locked(s, a, issuer, kid, now_us, ret_problem);
	while (k.asked && wait_locked(s, &until));
	pthread_mutex_unlock(&s->lock);
	return k;
}

static err refresh_keys(struct issuers *s, struct arena *a, span issuer, int64_t now_us,
	struct key_set **ret, const char **ret_problem)
{
	struct key_set *keys = NULL;
	struct discovery d;
	err e = issuer_discover(s, a, issuer, false, now_us, &d, ret_problem);

	if (!e)
		e = fetch_keys(s, a, d.jwks_uri, &keys, ret_problem);
	pthread_mutex_lock(&s->lock);
	struct entry *entry = entry_locked(s, issuer, now_us);

	note_locked(entry, e, *ret_problem, now_us);
	entry->keys_open_us = 0;
	if (!e) {
		key_set_unref(entry->keys);
		entry->keys = key_set_ref(keys);
		entry->keys_at_us = entry->keys_tried_at_us = now_us;
	}
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
	if (!e)
		*ret = keys;
	return e;
}

/* A reference to the best keys there are for this kid. */
static err keys_for(struct issuers *s, struct arena *a, span issuer, span kid, int64_t now_us,
	struct key_set **ret, const char **ret_problem)
{
	struct key_set *newer;
	struct kept k = kept_keys(s, a, issuer, kid, now_us, ret_problem);

	if (k.due && !refresh_keys(s, a, issuer, now_us, &newer, ret_problem)) {
		key_set_unref(k.keys);
		k.keys = newer;
	}
	*ret = k.keys;
	return k.keys ? OK : ERR_UNAVAILABLE;
}

err issuer_count_keys(struct issuers *s, struct arena *a, span issuer, int64_t now_us,
	size_t *ret_count, const char **ret_problem)
{
	struct key_set *keys;
	err e = refresh_keys(s, a, issuer, now_us, &keys, ret_problem);

	if (e)
		return e;
	*ret_count = key_set_count(keys);
	key_set_unref(keys);
	return OK;
}

err issuer_verify(struct issuers *s, struct arena *a, span token,
	const struct foreign_expected *expected, int64_t now_us, json_t **ret_claims,
	enum foreign_verdict *ret_verdict, const char **ret_problem)
{
	struct key_set *keys;
	err e = keys_for(
		s, a, expected->issuer, foreign_token_kid(a, token), now_us, &keys, ret_problem);

	if (e)
		return e;
	*ret_verdict =
		foreign_token_verify(keys, token, expected, now_us / TIME_SECOND, a, ret_claims);
	key_set_unref(keys);
	return *ret_verdict ? ERR_DENIED : OK;
}
