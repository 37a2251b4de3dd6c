/* A Redis URL: what is accepted means the same when it is shown, and never shows its password. */
#include "fuzz.h"

#include "conf/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_url u, again;
	char memory[6 * REDIS_URL_PART_MAX];
	struct buf shown;

	span input = fuzz_input(data, size);
	err e = redis_url_parse(input, &u);

	fuzz_free(input);
	if (e)
		return 0;
	check((u.host[0] != '\0') != (u.path[0] != '\0'));
	check(u.port >= 1 && u.port <= 65535 && u.database <= 65535);
	buf_init_fixed(&shown, memory, sizeof(memory));
	redis_url_show(&u, &shown);
	check(buf_error(&shown) == OK);
	check(redis_url_parse(buf_span(&shown), &again) == OK);
	check(!again.password[0]);
	check(span_is(span_from(u.host), again.host) && span_is(span_from(u.path), again.path));
	check(span_is(span_from(u.user), again.user));
	check(u.port == again.port && u.database == again.database);
	return 0;
}
