#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "conf/conf.h"
#include "server/certificate.h"
#include "server/data_layout.h"
#include "server/tls.h"
#include "sys/child.h"
#include "sys/files.h"

#define NOW (INT64_C(1900000000) * TIME_SECOND)

static char folder[] = "/tmp/slipway-tls-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem;

	return mkdtemp(folder) == NULL || chdir(folder) != 0 ||
	       data_layout_make(a, ".", &problem) != OK;
}

static int leave_folder(void **state UNUSED)
{
	struct child_plan plan = {.argv = (const char *const[]){"rm", "-rf", folder, NULL}};
	int status;
	AUTO(buf) said = {0};

	buf_init(&said, 1000);
	return child_run(&plan, 5000000, &said, &status) != OK;
}

static err plain_read(void *context UNUSED, const char *path, struct buf *out)
{
	return file_read(path, out);
}

/* One tls_update with these settings at this time; "" or the problem. */
static const char *update(
	struct arena *a, const char *const *overrides, size_t count, int64_t now, bool *ret_changed)
{
	AUTO_PTR(conf) conf = NULL;
	const char *problem = "";
	struct tls_source source = {.read = plain_read};

	assert_ok(conf_load(a, NULL, overrides, count, &conf, &problem));
	source.conf = conf;
	return tls_update(a, &source, now, ret_changed, &problem) == OK ? "" : problem;
}

static char *content(struct arena *a, const char *path)
{
	AUTO(buf) b = {0};

	buf_init(&b, 100000);
	assert_ok(file_read(path, &b));
	return arena_str(a, buf_span(&b));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void local_ca_lives_on(void **state UNUSED)
{
	static const char *const named[] = {"server_name=localhost vpn.example.org"};
	AUTO_PTR(arena) a = arena_new();
	bool changed = false;

	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	assert_true(changed);
	assert_int_equal(mode_of("keys/ca.key"), 0600);
	assert_int_equal(mode_of("tls/ca.pem"), 0644);
	assert_int_equal(mode_of("tls/server.key"), 0640);
	const char *ca = content(a, "tls/ca.pem"), *leaf = content(a, "tls/server.pem");

	assert_string_equal(update(a, NULL, 0, NOW + 59 * TIME_DAY, &changed), "");
	assert_false(changed);
	/* Two thirds of its life are over, a new name, a clock far back: a new leaf of the same CA.
	 */
	assert_string_equal(update(a, NULL, 0, NOW + 61 * TIME_DAY, &changed), "");
	assert_true(changed);
	assert_string_not_equal(content(a, "tls/server.pem"), leaf);
	assert_string_equal(update(a, named, 1, NOW + 61 * TIME_DAY, &changed), "");
	assert_true(changed);
	assert_string_equal(update(a, named, 1, NOW + 61 * TIME_DAY, &changed), "");
	assert_false(changed);
	assert_string_equal(update(a, NULL, 0, NOW + 61 * TIME_DAY, &changed), "");
	assert_false(changed); /* fewer names need no new certificate */
	assert_string_equal(update(a, NULL, 0, NOW - 10 * TIME_DAY, &changed), "");
	assert_true(changed);
	assert_string_equal(content(a, "tls/ca.pem"), ca);
}

static void half_written_pairs_are_replaced(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	bool changed = false;

	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	assert_ok(file_write_atomic("tls/server.key", span_from(content(a, "keys/ca.key")), 0640));
	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	assert_true(changed);
	assert_int_equal(unlink("tls/server.pem"), 0);
	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	assert_true(changed);
	/* A CA whose key is gone can sign nothing: all is made anew. */
	const char *ca = content(a, "tls/ca.pem");
	assert_int_equal(unlink("keys/ca.key"), 0);
	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	assert_true(changed);
	assert_string_not_equal(content(a, "tls/ca.pem"), ca);
}

static void own_certificates_are_checked(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	const char *certificate = arena_printf(a, "tls.certificate=%s/own.pem", folder);
	const char *key = arena_printf(a, "tls.key=%s/own.key", folder);
	const char *const overrides[] = {certificate, key};
	bool changed = false;

	assert_string_equal(update(a, NULL, 0, NOW, &changed), "");
	const char *before = content(a, "tls/server.pem");
	assert_true(strstr(update(a, overrides, 2, NOW, &changed), "own.pem: Not found") != NULL);
	assert_ok(file_write_atomic("own.pem", SPAN("hm"), 0644));
	assert_ok(file_write_atomic("own.key", SPAN("hm"), 0600));
	assert_true(strstr(update(a, overrides, 2, NOW, &changed),
			    "own.pem: holds no PEM certificate") != NULL);
	assert_ok(file_write_atomic("own.pem", span_from(content(a, "tls/ca.pem")), 0644));
	assert_true(strstr(update(a, overrides, 2, NOW, &changed),
			    "own.key: holds no unencrypted PEM private key") != NULL);
	assert_ok(file_write_atomic("own.key", span_from(content(a, "tls/server.key")), 0600));
	assert_true(strstr(update(a, overrides, 2, NOW, &changed),
			    "own.key: is not the key of the certificate in") != NULL);
	assert_string_equal(content(a, "tls/server.pem"), before);
	assert_ok(file_write_atomic("own.key", span_from(content(a, "keys/ca.key")), 0600));
	assert_true(strstr(update(a, overrides, 2, NOW + 4000 * TIME_DAY, &changed),
			    "own.pem: has expired") != NULL);
	assert_string_equal(update(a, overrides, 2, NOW, &changed), "");
	assert_true(changed);
	assert_string_equal(content(a, "tls/server.pem"), content(a, "own.pem"));
	assert_string_equal(update(a, overrides, 2, NOW, &changed), "");
	assert_false(changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_ca_lives_on),
		cmocka_unit_test(half_written_pairs_are_replaced),
		cmocka_unit_test(own_certificates_are_checked),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
