/* Who fetches what issuers publish, and who waits, when many want it at once. */
#include "net/scripted.h"

#include "federation/issuers.h"
#include "net/foreign.h"

#define NOW     INT64_C(1800000000000000)
#define WAITING 8 /* as many as wait for an answer somebody else asked for */
#define THREADS (1 + WAITING + 1)
#define HEAD    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
/* A key of RFC 7517, appendix A.1. */
#define KEYS                                                                                       \
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\","                              \
	"\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                   \
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}"

struct fixture {
	struct server server;
	struct foreign *foreign;
	struct issuers *issuers;
	char issuer[64], discovery[512];
	err (*want)(struct fixture *f, struct arena *a);
	pthread_mutex_t lock;
	pthread_cond_t said;
	bool silent; /* nobody has a result */
	err first;
};

static err want_document(struct fixture *f, struct arena *a)
{
	const char *problem = NULL;
	struct discovery d;

	return issuer_discover(f->issuers, a, span_from(f->issuer), false, NOW, &d, &problem);
}

/* The token is none, which shows when its keys are there. */
static err want_keys(struct fixture *f, struct arena *a)
{
	struct foreign_expected expected = {span_from(f->issuer), SPAN("us"), "JWT", false};
	enum foreign_verdict verdict = FOREIGN_OK;
	const char *problem = NULL;
	json_t *claims;
	err e = issuer_verify(
		f->issuers, a, SPAN("a.b.c"), &expected, NOW, &claims, &verdict, &problem);

	return e == ERR_DENIED ? OK : e;
}

static void *one_of_many(void *ctx)
{
	struct fixture *f = ctx;
	AUTO_PTR(arena) a = arena_new();
	err e = f->want(f, a);

	pthread_mutex_lock(&f->lock);
	if (f->silent) {
		f->silent = false;
		f->first = e;
		pthread_cond_signal(&f->said);
	}
	pthread_mutex_unlock(&f->lock);
	return (void *)(uintptr_t)e;
}

static void begin(struct fixture *f, err (*want)(struct fixture *f, struct arena *a))
{
	*f = (struct fixture){.want = want,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.said = PTHREAD_COND_INITIALIZER,
		.silent = true};
	open_port(&f->server);
	snprintf(f->issuer, sizeof(f->issuer), "http://127.0.0.1:%u", f->server.port);
	snprintf(f->discovery, sizeof(f->discovery),
		HEAD "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\"}", f->issuer, f->issuer);
	f->server.answers[0] = f->discovery;
	f->server.answers[1] = HEAD KEYS;
	assert_ok(foreign_new(&(struct foreign_settings){.insecure_loopback = true}, &f->foreign));
	f->issuers = issuers_new(f->foreign);
}

static void end(struct fixture *f)
{
	issuers_free(f->issuers);
	foreign_free(f->foreign);
	stop(&f->server);
}

/*
 * The first result while the server is silent is a refusal: one asks, few wait. Once it speaks, all
 * these have what the one was told.
 */
static void many_at_once(struct fixture *f)
{
	pthread_t threads[THREADS];
	unsigned refused = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, f), 0);
	pthread_mutex_lock(&f->lock);
	while (f->silent)
		pthread_cond_wait(&f->said, &f->lock);
	pthread_mutex_unlock(&f->lock);
	assert_int_equal(f->first, ERR_UNAVAILABLE);
	begin_serving(&f->server);
	for (size_t i = 0; i < THREADS; i++) {
		void *e;

		pthread_join(threads[i], &e);
		assert_true((uintptr_t)e == OK || (uintptr_t)e == ERR_UNAVAILABLE);
		refused += (uintptr_t)e != OK;
	}
	assert_int_equal(refused, 1);
}

static void one_asks_for_the_document(void **state UNUSED)
{
	struct fixture f;

	begin(&f, want_document);
	many_at_once(&f);
	end(&f);
	assert_int_equal(f.server.served, 1);
}

static void one_asks_for_the_keys(void **state UNUSED)
{
	struct fixture f;

	begin(&f, want_keys);
	many_at_once(&f);
	end(&f);
	assert_int_equal(f.server.served, 2);
}

/* Nobody who waited asks once more when the answer was a failure: that is remembered. */
static void those_who_wait_share_a_failure(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct fixture f;

	begin(&f, want_document);
	f.server.answers[0] = "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n";
	begin_serving(&f.server);
	assert_int_equal(want_document(&f, a), ERR_UNAVAILABLE);
	assert_int_equal(want_document(&f, a), ERR_UNAVAILABLE);
	end(&f);
	assert_int_equal(f.server.served, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_asks_for_the_document),
		cmocka_unit_test(one_asks_for_the_keys),
		cmocka_unit_test(those_who_wait_share_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
