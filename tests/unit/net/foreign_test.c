/* The guard of the client for foreign URLs, against a scripted server on the loopback. */
#include "net/scripted.h"

#include "net/foreign.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

struct fixture {
	struct foreign *foreign;
	struct http_answer answer;
	char url[128];
};

static void begin(struct fixture *f, const struct server *s, struct foreign_settings settings)
{
	assert_ok(foreign_new(&settings, &f->foreign));
	http_answer_init(&f->answer);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/x", s ? s->port : 1);
}

static void end(struct fixture *f)
{
	http_answer_done(&f->answer);
	foreign_free(f->foreign);
}

static err get(struct fixture *f, const char *url)
{
	return foreign_send(f->foreign, &(struct foreign_request){.url = url}, &f->answer);
}

static void urls(void **state UNUSED)
{
	static const struct {
		const char *url, *problem;
	} rows[] = {
		{"https://idp.example/", NULL},
		{"HTTPS://idp.example:8443/a?b=c", NULL},
		{"https://[2606:4700::1]/", NULL},
		{"http://idp.example/", "must begin with https://"},
		{"ftp://idp.example/", "must begin with https://"},
		{"file:///etc/passwd", "must begin with https://"},
		{"gopher://127.0.0.1:6379/_FLUSHALL", "must begin with https://"},
		{"idp.example", "is not a URL"},
		{"//idp.example/", "is not a URL"},
		{"", "is not a URL"},
		{"https://", "is not a URL"},
		{"https://u@idp.example/", "must not hold a user name or password"},
		{"https://u:p@idp.example/", "must not hold a user name or password"},
		{"https://idp.example/#x", "must not have a part behind '#'"},
		{"https://idp.example/a b",
			"must not hold spaces, control characters or letters beyond ASCII"},
		{"https://idp.example/\r\nX: y",
			"must not hold spaces, control characters or letters beyond ASCII"},
		{"https://\xc3\xa4.example/",
			"must not hold spaces, control characters or letters beyond ASCII"},
	};
	struct fixture f;
	char longest[FOREIGN_URL_MAX + 2] = "https://idp.example/";

	begin(&f, NULL, (struct foreign_settings){0});
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *problem = foreign_url_problem(f.foreign, rows[i].url);

		assert_row(span_eq(span_from(problem), span_from(rows[i].problem)), rows[i].url);
		if (!rows[i].problem)
			continue;
		assert_int_equal(get(&f, rows[i].url), ERR_INVALID);
		assert_string_equal(f.answer.code, "url");
	}
	memset(longest + strlen(longest), 'a', sizeof(longest) - 1 - strlen(longest));
	assert_string_equal(foreign_url_problem(f.foreign, longest), "is too long");
	end(&f);
}

/* Nothing listens at most of these: "network" in place of "address_refused" would be a miss. */
static void refused_addresses(void **state UNUSED)
{
	static const char *const rows[] = {"https://127.0.0.1:1/", "https://localhost:1/",
		"https://[::1]:1/", "https://[::ffff:127.0.0.1]:1/", "https://0.0.0.0:1/",
		"https://0:1/", "https://2130706433:1/", "https://0x7f.1:1/",
		"https://0177.0.0.1:1/", "https://127.1:1/", "https://10.0.0.1:1/",
		"https://169.254.169.254/latest/meta-data/", "https://[fe80::1]:1/",
		"https://[fd00::1]:1/", "https://[::]:1/", "https://192.168.1.1/"};
	struct fixture f;

	begin(&f, NULL, (struct foreign_settings){0});
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(get(&f, rows[i]) == ERR_DENIED, rows[i]);
		assert_string_equal(f.answer.code, "address_refused");
		assert_int_equal(f.answer.status, 0);
	}
	end(&f);
}

/* What the resolver says decides, not what the name looks like. */
static void names_that_point_inside(void **state UNUSED)
{
	static const char *const rows[] = {"idp.example:443:127.0.0.1", "idp.example:443:10.1.2.3",
		"idp.example:443:::1", "idp.example:443:169.254.169.254",
		"idp.example:443:fd00::7"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;

		begin(&f, NULL, (struct foreign_settings){.resolve = rows[i]});
		assert_row(get(&f, "https://idp.example/") == ERR_DENIED, rows[i]);
		assert_string_equal(f.answer.code, "address_refused");
		end(&f);
	}
}

/* http:// is for loopback addresses only, whatever else is allowed. */
static void insecure_loopback(void **state UNUSED)
{
	struct server s = {.answers = {OK_HEAD "\r\nhi"}};
	struct fixture f;

	start(&s);
	begin(&f, &s, (struct foreign_settings){.allowed = SPAN("127.0.0.0/8")});
	assert_int_equal(get(&f, f.url), ERR_INVALID);
	end(&f);
	begin(&f, &s,
		(struct foreign_settings){
			.insecure_loopback = true, .allowed = SPAN("10.0.0.0/8")});
	assert_int_equal(get(&f, "http://10.0.0.1:1/"), ERR_DENIED);
	assert_int_equal(get(&f, "HTTP://10.0.0.1:1/"), ERR_DENIED);
	assert_int_equal(get(&f, "http://1.1.1.1:1/"), ERR_DENIED);
	assert_ok(get(&f, f.url));
	assert_span(buf_span(&f.answer.body), "hi");
	end(&f);
	stop(&s);
}

static void misbehaviour(void **state UNUSED)
{
	static char large[80000];
	static const struct {
		const char *name, *answer;
		err e;
		const char *code;
	} rows[] = {
		{"redirect to elsewhere",
			"HTTP/1.1 302 X\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n",
			ERR_UNAVAILABLE, "redirect"},
		{"redirect at home", "HTTP/1.1 302 X\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n",
			ERR_UNAVAILABLE, "redirect"},
		{"announces too much",
			"HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n123456",
			ERR_TOO_LARGE, "answer_too_large"},
		{"sends too much", "HTTP/1.1 200 X\r\n\r\n123456", ERR_TOO_LARGE,
			"answer_too_large"},
		{"a head without end", large, ERR_TOO_LARGE, "answer_too_large"},
		{"not HTTP", "SSH-2.0-x\r\n", ERR_UNAVAILABLE, "network"},
		{"an error of its own",
			"HTTP/1.1 400 X\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}",
			ERR_INVALID, "invalid"},
	};

	memset(large, 'a', sizeof(large) - 1);
	memcpy(large, "HTTP/1.1 200 X\r\nX: ", 19);
	for (size_t i = 1000; i < sizeof(large) - 1000; i += 1000)
		memcpy(large + i, "\r\nX: ", 5);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s = {.answers = {rows[i].answer}};
		struct foreign_request rq = {.body_max = 5};
		struct fixture f;

		start(&s);
		begin(&f, &s, (struct foreign_settings){.insecure_loopback = true});
		rq.url = f.url;
		assert_row(foreign_send(f.foreign, &rq, &f.answer) == rows[i].e, rows[i].name);
		assert_row(span_is(span_from(f.answer.code), rows[i].code), rows[i].name);
		if (rows[i].e == ERR_INVALID)
			assert_span(buf_span(&f.answer.body), "{\"error\":\"x\"}");
		end(&f);
		stop(&s);
	}
}

/* Answers nothing: the script's server closes each connection it has accepted, so none is. */
static void time_is_limited(void **state UNUSED)
{
	struct server s = {.answers = {NULL}};
	struct foreign_request rq = {.time_us = 200000};
	struct fixture f;

	start(&s);
	begin(&f, &s, (struct foreign_settings){.insecure_loopback = true});
	rq.url = f.url;
	assert_int_equal(foreign_send(f.foreign, &rq, &f.answer), ERR_UNAVAILABLE);
	assert_string_equal(f.answer.code, "timeout");
	end(&f);
	stop(&s);
}

static void forms(void **state UNUSED)
{
	struct server s = {.answers = {OK_HEAD "\r\nhi"}};
	struct foreign_request rq = {
		.body = SPAN("grant_type=x"), .user = "me", .password = "pass:word"};
	struct fixture f;

	start(&s);
	begin(&f, &s, (struct foreign_settings){.insecure_loopback = true});
	rq.url = f.url;
	assert_ok(foreign_send(f.foreign, &rq, &f.answer));
	pthread_join(s.thread, NULL);
	span seen = buf_span(&s.seen);
	assert_true(span_starts_with(seen, SPAN("POST /x HTTP/1.1\r\n")));
	assert_true(span_contains(seen, SPAN("Authorization: Basic bWU6cGFzczp3b3Jk\r\n")));
	assert_true(
		span_contains(seen, SPAN("Content-Type: application/x-www-form-urlencoded\r\n")));
	assert_true(span_ends_with(seen, SPAN("\r\n\r\ngrant_type=x")));
	assert_false(span_contains(seen, SPAN("Accept-Encoding")));
	rq.user = "a:b"; /* would be another user */
	assert_int_equal(foreign_send(f.foreign, &rq, &f.answer), ERR_INVALID);
	close(s.fd);
	buf_done(&s.seen);
	end(&f);
}

#define THREADS (FOREIGN_CLIENTS + FOREIGN_WAITING)

static err ask(struct fixture *shared)
{
	struct fixture mine = {.foreign = shared->foreign};
	err e;

	http_answer_init(&mine.answer);
	e = get(&mine, shared->url);
	http_answer_done(&mine.answer);
	return e;
}

static void *one_of_many(void *ctx)
{
	return (void *)(uintptr_t)ask(ctx);
}

static void many_threads(void **state UNUSED)
{
	struct server s = {0};
	pthread_t threads[THREADS];
	struct fixture f;

	for (size_t i = 0; i < THREADS; i++)
		s.answers[i] = OK_HEAD "Connection: close\r\n\r\nhi";
	start(&s);
	begin(&f, &s, (struct foreign_settings){.insecure_loopback = true});
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, &f), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *e;

		pthread_join(threads[i], &e);
		assert_int_equal((uintptr_t)e, OK);
	}
	end(&f);
	stop(&s);
}

/* The first result there is, of threads that ask a server that says nothing. */
struct impatient {
	struct fixture *shared;
	pthread_mutex_t lock;
	pthread_cond_t said;
	bool silent;
	err first;
};

static void *one_too_many(void *ctx)
{
	struct impatient *i = ctx;
	err e = ask(i->shared);

	pthread_mutex_lock(&i->lock);
	if (i->silent) {
		i->silent = false;
		i->first = e;
		pthread_cond_signal(&i->said);
	}
	pthread_mutex_unlock(&i->lock);
	return (void *)(uintptr_t)e;
}

/*
 * Where a server hangs, a request too many is refused while all others still wait: it holds no
 * thread.
 */
static void few_wait(void **state UNUSED)
{
	struct server s = {0};
	struct fixture f;
	struct impatient i = {&f, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, true, OK};
	pthread_t threads[THREADS + 1];
	unsigned busy = 0;

	open_port(&s);
	begin(&f, &s, (struct foreign_settings){.insecure_loopback = true});
	for (size_t n = 0; n < ARRAY_LEN(threads); n++)
		assert_int_equal(pthread_create(&threads[n], NULL, one_too_many, &i), 0);
	pthread_mutex_lock(&i.lock);
	while (i.silent)
		pthread_cond_wait(&i.said, &i.lock);
	pthread_mutex_unlock(&i.lock);
	assert_int_equal(i.first, ERR_BUSY);
	close(s.fd); /* resets those who were let in; those who waited find nobody */
	for (size_t n = 0; n < ARRAY_LEN(threads); n++) {
		void *e;

		pthread_join(threads[n], &e);
		busy += (uintptr_t)e == ERR_BUSY;
	}
	assert_int_equal(busy, 1);
	end(&f);
	buf_done(&s.seen);
}

static void bad_settings(void **state UNUSED)
{
	struct foreign *none;

	assert_int_equal(
		foreign_new(&(struct foreign_settings){.allowed = SPAN("10.0.0.0/99")}, &none),
		ERR_INVALID);
	assert_int_equal(foreign_new(&(struct foreign_settings){.ca_file = "/nonexistent"}, &none),
		ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(refused_addresses),
		cmocka_unit_test(names_that_point_inside),
		cmocka_unit_test(insecure_loopback),
		cmocka_unit_test(misbehaviour),
		cmocka_unit_test(time_is_limited),
		cmocka_unit_test(forms),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(few_wait),
		cmocka_unit_test(bad_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
