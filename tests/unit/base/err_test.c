#include "test.h"

#include <errno.h>
#include <string.h>

static void unknown_codes(void **state UNUSED)
{
	assert_string_equal(err_name((err)999), "bug");
	assert_int_equal(err_http_status((err)-1), 500);
	assert_int_equal(err_from_http_status(418), ERR_INVALID);
	assert_int_equal(err_from_http_status(599), ERR_UNAVAILABLE);
	assert_int_equal(err_from_errno(EPIPE), ERR_IO);
}

/* Names, titles and exit codes are part of the interface: present, and each code its own. */
static void table_is_whole(void **state UNUSED)
{
	for (int a = 0; a < ERR_COUNT; a++) {
		assert_true(err_name((err)a)[0] && err_title((err)a)[0]);
		for (int b = 0; b < a; b++) {
			assert_string_not_equal(err_name((err)a), err_name((err)b));
			assert_int_not_equal(err_exit_code((err)a), err_exit_code((err)b));
		}
	}
	assert_int_equal(err_exit_code(OK), 0);
}

static void translations(void **state UNUSED)
{
	assert_int_equal(err_from_http_status(204), OK);
	assert_int_equal(err_from_http_status(404), ERR_NOT_FOUND);
	assert_int_equal(err_from_http_status(409), ERR_CONFLICT);
	assert_int_equal(err_from_http_status(422), ERR_INVALID);
	assert_int_equal(err_from_http_status(423), ERR_CONFLICT);
	assert_int_equal(err_from_errno(0), OK);
	assert_int_equal(err_from_errno(ENOSPC), ERR_NO_SPACE);
	assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
	assert_int_equal(err_from_errno(EACCES), ERR_DENIED);
	assert_int_equal(err_http_status(ERR_LIMIT), 429);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_codes),
		cmocka_unit_test(table_is_whole), cmocka_unit_test(translations)};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
