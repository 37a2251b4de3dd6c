/* The client against a scripted server on the loopback. */
#include "net/scripted.h"

#include "net/http.h"

struct fixture {
	struct http *http;
	struct http_answer answer;
	char url[64];
};

static void begin(struct fixture *f, const struct server *s, struct http_settings settings)
{
	settings.plain = true;
	assert_ok(http_new(&settings, &f->http));
	http_answer_init(&f->answer);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/x", s->port);
}

static void end(struct fixture *f)
{
	http_answer_done(&f->answer);
	http_free(f->http);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

static void a_good_answer(void **state UNUSED)
{
	struct server s = {.answers = {OK_HEAD "X-Thing:  b \r\n\r\nhi"}};
	struct http_header headers[] = {{"Authorization", SPAN("Bearer t")}};
	struct http_request rq = {.method = "POST",
		.headers = headers,
		.headers_count = 1,
		.content_type = "application/json",
		.body = SPAN("{\"a\":1}")};
	struct fixture f;

	start(&s);
	begin(&f, &s, (struct http_settings){0});
	rq.url = f.url;
	assert_ok(http_send(f.http, &rq, &f.answer));
	assert_int_equal(f.answer.status, 200);
	assert_span(buf_span(&f.answer.body), "hi");
	assert_span(http_answer_header(&f.answer, "x-thing"), "b");
	assert_span(http_answer_header(&f.answer, "x-other"), "");
	stop(&s); /* after this what it saw is complete */
	end(&f);
}

static void problems(void **state UNUSED)
{
#define PROBLEM(status, more, body)                                                                \
	"HTTP/1.1 " status " X\r\nConnection: close\r\n" more "\r\n" body
	static const struct {
		const char *answer;
		err e;
		const char *code, *detail, *request_id;
	} rows[] = {
		{PROBLEM("409", "Content-Type: application/problem+json\r\n",
			 "{\"title\":\"T\",\"detail\":\"Exists "
			 "already\",\"code\":\"version_exists\","
			 "\"request_id\":\"r1\",\"more\":[{\"a\":null}]}"),
			ERR_CONFLICT, "version_exists", "Exists already", "r1"},
		{PROBLEM("404", "Content-Type: application/problem+json\r\nX-Request-Id: r2\r\n",
			 "{\"title\":\"Not here\"}"),
			ERR_NOT_FOUND, "not_found", "Not here", "r2"},
		{PROBLEM("413", "Content-Type: text/html\r\n", "<html>too large"), ERR_TOO_LARGE,
			"too_large", "The server answered with HTTP status 413", ""},
		{PROBLEM("400", "Content-Type: application/problem+json\r\n", "{\"detail\":\"cut"),
			ERR_INVALID, "invalid", "The server answered with HTTP status 400", ""},
		{PROBLEM("400", "Content-Type: application/json\r\n",
			 "{\"error\":\"slow_down\",\"error_description\":\"Wait longer\"}"),
			ERR_INVALID, "slow_down", "Wait longer", ""},
		{PROBLEM("400", "Content-Type: application/json\r\n", "{\"error\":\"slow_down\"}"),
			ERR_INVALID, "slow_down", "The server answered with HTTP status 400", ""},
		{PROBLEM("418", "", ""), ERR_INVALID, "invalid",
			"The server answered with HTTP status 418", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s = {.answers = {rows[i].answer}};
		struct http_request rq = {.method = "POST"};
		struct fixture f;

		start(&s);
		begin(&f, &s, (struct http_settings){0});
		rq.url = f.url;
		assert_row(http_send(f.http, &rq, &f.answer) == rows[i].e, rows[i].answer);
		assert_string_equal(f.answer.code, rows[i].code);
		assert_span(buf_span(&f.answer.detail), rows[i].detail);
		assert_string_equal(f.answer.request_id, rows[i].request_id);
		stop(&s);
		end(&f);
	}
}

static void repeats_what_may_be_repeated(void **state UNUSED)
{
#define BUSY "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define LATER                                                                                      \
	"HTTP/1.1 429 X\r\nConnection: close\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"
	static const struct {
		const char *name, *method;
		const char *answers[SCRIPT_MAX];
		bool idempotent;
		err e;
		unsigned served;
	} rows[] = {
		{"cut, busy, good", "GET", {"", BUSY, OK_HEAD "\r\nhi"}, false, OK, 3},
		{"cut in the body", "GET", {OK_HEAD "\r\nh", OK_HEAD "\r\nhi"}, false, OK, 2},
		{"patience ends", "PUT", {BUSY, BUSY, BUSY, BUSY, BUSY}, false, ERR_BUSY, 4},
		{"not a POST", "POST", {BUSY, OK_HEAD "\r\nhi"}, false, ERR_BUSY, 1},
		{"unless it says so", "POST", {BUSY, OK_HEAD "\r\nhi"}, true, OK, 2},
		{"an hour is too long", "GET", {LATER, OK_HEAD "\r\nhi"}, false, ERR_LIMIT, 1},
		{"not a refusal", "GET", {"HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n", BUSY},
			false, ERR_DENIED, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s = {0};
		struct http_request rq = {
			.method = rows[i].method, .idempotent = rows[i].idempotent};
		struct fixture f;
		err e;

		memcpy(s.answers, rows[i].answers, sizeof(s.answers));
		start(&s);
		begin(&f, &s, (struct http_settings){0});
		rq.url = f.url;
		e = http_send(f.http, &rq, &f.answer);
		assert_row(e == rows[i].e, rows[i].name);
		stop(&s);
		assert_row(s.served == rows[i].served, rows[i].name);
		end(&f);
	}
}

static void redirects_stay_at_home(void **state UNUSED)
{
	static const struct {
		const char *location;
		err e;
	} rows[] = {
		{"/y", OK},
		{"http://127.0.0.2:1/y", ERR_UNAVAILABLE},
		{"https://127.0.0.1/y", ERR_UNAVAILABLE},
		{"file:///etc/passwd", ERR_UNAVAILABLE},
		{"http://user@evil.invalid/y", ERR_UNAVAILABLE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char first[512];
		struct server s = {.answers = {first, OK_HEAD "\r\nhi"}};
		struct http_request rq = {.method = "GET"};
		struct fixture f;

		snprintf(first, sizeof(first),
			"HTTP/1.1 307 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
			rows[i].location);
		start(&s);
		begin(&f, &s, (struct http_settings){0});
		rq.url = f.url;
		assert_row(http_send(f.http, &rq, &f.answer) == rows[i].e, rows[i].location);
		stop(&s);
		end(&f);
	}
}

static err count_body(void *ctx, span bytes)
{
	*(size_t *)ctx += bytes.len;
	return OK;
}

static err full_disk(void *ctx UNUSED, span bytes UNUSED)
{
	return ERR_NO_SPACE;
}

static void bodies(void **state UNUSED)
{
	struct server s = {.answers = {OK_HEAD "\r\nhi", OK_HEAD "\r\nhi", OK_HEAD "\r\nhi",
				   "HTTP/1.1 404 X\r\nContent-Length: 4\r\n\r\ngone"}};
	size_t count = 0;
	struct http_request rq = {.method = "GET", .answer_max = 1};
	struct fixture f;

	start(&s);
	begin(&f, &s, (struct http_settings){0});
	rq.url = f.url;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_TOO_LARGE);
	assert_string_equal(f.answer.code, "answer_too_large");
	rq.ctx = &count;
	rq.on_body = count_body;
	assert_ok(http_send(f.http, &rq, &f.answer));
	assert_int_equal(count, 2);
	rq.on_body = full_disk;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_NO_SPACE);
	rq.on_body = count_body; /* only the body of a success is handed on */
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_NOT_FOUND);
	assert_int_equal(count, 2);
	stop(&s);
	end(&f);
}

static void file_bodies(void **state UNUSED)
{
	struct server s = {.answers = {OK_HEAD "\r\nhi"}};
	FILE *file = tmpfile();
	struct http_file part = {.offset = 2, .size = 100000};
	struct http_request rq = {.method = "PATCH", .file = &part, .content_type = "a/b"};
	struct fixture f;
	span seen;

	assert_non_null(file);
	for (int i = 0; i < 100010; i++)
		fputc('a' + i % 26, file);
	fflush(file);
	part.fd = fileno(file);
	start(&s);
	begin(&f, &s, (struct http_settings){0});
	rq.url = f.url;
	assert_ok(http_send(f.http, &rq, &f.answer));
	pthread_join(s.thread, NULL);
	seen = buf_span(&s.seen);
	assert_true(span_contains(seen, SPAN("Content-Length: 100000\r\n")));
	assert_true(span_contains(seen, SPAN("\r\n\r\ncdef")));
	close(s.fd);
	buf_done(&s.seen);
	end(&f);
	fclose(file);
}

static void unreachable(void **state UNUSED)
{
	struct server s = {.answers = {NULL}};
	struct http_request rq = {.method = "GET"};
	struct fixture f;

	start(&s);
	stop(&s); /* the port is closed again */
	begin(&f, &s, (struct http_settings){.attempts = 2});
	rq.url = f.url;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_UNAVAILABLE);
	assert_string_equal(f.answer.code, "network");
	assert_int_equal(f.answer.status, 0);
	rq.url = "ftp://127.0.0.1/x";
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_INVALID);
	rq.url = "http://no-such-host.invalid/";
	rq.once = true;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_UNAVAILABLE);
	end(&f);
}

static bool refuse_all(void *ctx UNUSED, const struct sockaddr *address)
{
	assert_int_equal(address->sa_family, AF_INET);
	return false;
}

static bool at_once(void *ctx UNUSED)
{
	return true;
}

static void refusals(void **state UNUSED)
{
	struct server s = {.answers = {NULL}};
	struct http_header bad[] = {{"X-A", SPAN("b\r\nX-C: d")}};
	struct http_request rq = {.method = "GET"};
	struct fixture f;
	struct http *none;

	start(&s);
	begin(&f, &s, (struct http_settings){.permit = refuse_all});
	rq.url = f.url;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_DENIED);
	assert_string_equal(f.answer.code, "address_refused");
	end(&f);
	begin(&f, &s, (struct http_settings){.cancelled = at_once});
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_CANCELLED);
	rq.headers = bad;
	rq.headers_count = 1;
	assert_int_equal(http_send(f.http, &rq, &f.answer), ERR_INVALID);
	end(&f);
	stop(&s);
	assert_int_equal(
		http_new(&(struct http_settings){.ca_file = "/nonexistent"}, &none), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_answer),
		cmocka_unit_test(problems),
		cmocka_unit_test(repeats_what_may_be_repeated),
		cmocka_unit_test(redirects_stay_at_home),
		cmocka_unit_test(bodies),
		cmocka_unit_test(file_bodies),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
