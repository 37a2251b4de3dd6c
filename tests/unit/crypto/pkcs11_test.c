/* Keys in a real token: SoftHSM2 in a temporary directory. Skipped where it is not installed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "test.h"

#include "crypto/pkcs11.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN    SPAN("1234")

struct world {
	char dir[64];
	struct arena *arena;
};

static void run(struct world *w, const char *command)
{
	const char *quiet = arena_printf(w->arena, "%s >%s/log 2>&1", command, w->dir);

	if (system(quiet) != 0)
		fail_msg("failed: %s", command);
}

static void make_key(struct world *w, const char *id, const char *label, const char *type)
{
	run(w, arena_printf(w->arena,
		       "pkcs11-tool --module " MODULE " --token-label slipway --login --pin 1234 "
		       "--keypairgen --key-type %s --id %s --label %s",
		       type, id, label));
}

static int setup(void **state)
{
	static struct world w;
	FILE *conf;

	if (access(MODULE, R_OK) || system("command -v pkcs11-tool >/dev/null"))
		return 0;
	w = (struct world){.dir = "/tmp/slipway-hsm-XXXXXX", .arena = arena_new()};
	assert_non_null(mkdtemp(w.dir));
	setenv("SOFTHSM2_CONF", arena_printf(w.arena, "%s/conf", w.dir), 1);
	conf = fopen(getenv("SOFTHSM2_CONF"), "w");
	assert_non_null(conf);
	(void)fprintf(conf, "directories.tokendir = %s\nlog.level = ERROR\n", w.dir);
	(void)fclose(conf);
	run(&w, "softhsm2-util --init-token --free --label slipway --so-pin 12345678 --pin 1234");
	make_key(&w, "01", "access", "EC:prime256v1");
	make_key(&w, "02", "twin", "EC:prime256v1");
	make_key(&w, "03", "twin", "EC:prime256v1");
	make_key(&w, "04", "big", "EC:secp384r1");
	make_key(&w, "05", "rsa", "rsa:2048");
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (!w)
		return 0;
	int left = system(arena_printf(w->arena, "rm -rf %s", w->dir));

	arena_free(w->arena);
	return left;
}

static void a_key_signs_for_its_public_part(void **state)
{
	struct world *w = *state;
	uint8_t point[ECKEY_PUBLIC_SIZE], signature[ECKEY_SIGNATURE_SIZE];
	AUTO_PTR(eckey) key = NULL;
	AUTO_PTR(eckey) public = NULL;
	const char *problem = NULL;
	AUTO(buf) pem = {0};

	if (!w)
		skip();
	assert_ok(pkcs11_open(
		w->arena, MODULE, SPAN("pkcs11:token=slipway;object=access"), PIN, &key, &problem));
	eckey_public(key, point);
	assert_ok(eckey_from_public(point, &public));
	for (int i = 0; i < 20; i++) {
		span message = span_from(arena_printf(w->arena, "message %d", i));

		assert_ok(eckey_sign(key, message, signature));
		assert_ok(eckey_verify(public, message, signature));
		assert_int_equal(eckey_verify(public, SPAN("another"), signature), ERR_DENIED);
	}
	buf_init(&pem, 4096);
	assert_int_equal(eckey_to_pem(key, &pem), ERR_INVALID); /* it is not here */
}

static void names_that_name_no_key(void **state)
{
	static const struct {
		const char *uri, *module;
		err want;
		const char *words;
	} cases[] = {
		{"access", MODULE, ERR_INVALID, "no PKCS#11 URI"},
		{"pkcs11:object=%zz", MODULE, ERR_INVALID, "no PKCS#11 URI"},
		{"pkcs11:token=slipway;colour=red;object=access", MODULE, ERR_INVALID,
			"no PKCS#11 URI"},
		{"pkcs11:token=slipway", MODULE, ERR_INVALID, "names no object"},
		{"pkcs11:token=slipway;object=access?pin-value=1234", MODULE, ERR_INVALID,
			"not parts"},
		{"pkcs11:token=slipway;object=access?module-path=/tmp/x.so", MODULE, ERR_INVALID,
			"not parts"},
		{"pkcs11:token=other;object=access", MODULE, ERR_NOT_FOUND, "no token"},
		{"pkcs11:token=slipway;object=none", MODULE, ERR_NOT_FOUND, "no such key"},
		{"pkcs11:token=slipway;object=twin", MODULE, ERR_INVALID, "several"},
		{"pkcs11:token=slipway;object=big", MODULE, ERR_INVALID, "P-256"},
		{"pkcs11:token=slipway;object=rsa", MODULE, ERR_INVALID, "P-256"},
		{"pkcs11:token=slipway;object=access", "/nowhere/module.so", ERR_UNAVAILABLE,
			"cannot be loaded"},
	};
	struct world *w = *state;

	if (!w)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct eckey *key;
		const char *problem = NULL;
		err e = pkcs11_open(
			w->arena, cases[i].module, span_from(cases[i].uri), PIN, &key, &problem);

		assert_row(e == cases[i].want, cases[i].uri);
		assert_row(problem && strstr(problem, cases[i].words), problem);
	}
}

static void an_id_tells_twins_apart(void **state)
{
	struct world *w = *state;
	uint8_t one[ECKEY_PUBLIC_SIZE], other[ECKEY_PUBLIC_SIZE];
	AUTO_PTR(eckey) a = NULL;
	AUTO_PTR(eckey) b = NULL;
	const char *problem = NULL;

	if (!w)
		skip();
	assert_ok(pkcs11_open(
		w->arena, MODULE, SPAN("pkcs11:token=slipway;id=%02"), PIN, &a, &problem));
	assert_ok(pkcs11_open(
		w->arena, MODULE, SPAN("pkcs11:token=slipway;id=%03"), PIN, &b, &problem));
	eckey_public(a, one);
	eckey_public(b, other);
	assert_memory_not_equal(one, other, sizeof(one));
}

/* As when the token is restarted: every session of the program ends under its feet. */
static void a_lost_session_is_opened_again(void **state)
{
	struct world *w = *state;
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
	AUTO_PTR(eckey) key = NULL;
	const char *problem = NULL;
	CK_FUNCTION_LIST *raw;
	CK_SLOT_ID slots[8];
	CK_ULONG count = ARRAY_LEN(slots);

	if (!w)
		skip();
	assert_ok(pkcs11_open(
		w->arena, MODULE, SPAN("pkcs11:token=slipway;object=access"), PIN, &key, &problem));
	raw = p11_kit_module_load(MODULE, P11_KIT_MODULE_UNMANAGED);
	assert_non_null(raw);
	assert_int_equal(raw->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	for (CK_ULONG i = 0; i < count; i++)
		assert_int_equal(raw->C_CloseAllSessions(slots[i]), CKR_OK);
	assert_ok(eckey_sign(key, SPAN("after"), signature));
	assert_ok(eckey_verify(key, SPAN("after"), signature));
	p11_kit_module_release(raw);
}

/* A wrong PIN is presented once, and the right one only after somebody has logged in by hand. */
static void a_wrong_pin_locks_nothing(void **state)
{
	struct world *w = *state;
	span uri = SPAN("pkcs11:token=slipway;object=access");
	const char *problem = NULL;
	struct eckey *key;

	if (!w)
		skip();
	assert_int_equal(
		pkcs11_open(w->arena, MODULE, uri, SPAN("9999"), &key, &problem), ERR_DENIED);
	assert_non_null(strstr(problem, "refuses the login"));
	for (int i = 0; i < 20; i++) {
		problem = NULL;
		assert_int_equal(pkcs11_open(w->arena, MODULE, uri, SPAN("9999"), &key, &problem),
			ERR_DENIED);
		assert_non_null(strstr(problem, "not tried again"));
	}
	assert_int_equal(pkcs11_open(w->arena, MODULE, uri, PIN, &key, &problem), ERR_DENIED);
	run(w, "pkcs11-tool --module " MODULE " --token-label slipway --login --pin 1234 -O");
	assert_ok(pkcs11_open(w->arena, MODULE, uri, PIN, &key, &problem));
	eckey_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_signs_for_its_public_part),
		cmocka_unit_test(names_that_name_no_key),
		cmocka_unit_test(an_id_tells_twins_apart),
		cmocka_unit_test(a_lost_session_is_opened_again),
		cmocka_unit_test(a_wrong_pin_locks_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
