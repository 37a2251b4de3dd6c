/* The settings file: any bytes give a configuration within its bounds, or a problem in words. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(conf) conf = NULL;
	const char *problem = NULL;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	err e = conf_load(a, arena_printf(a, "/proc/self/fd/%d", fd), NULL, 0, &conf, &problem);

	if (e == OK) {
		check(conf_int(conf, CONF_API_THREADS) >= 4);
		check(conf_int(conf, CONF_API_THREADS) <= 4096);
		check(span_is_utf8(span_from(conf_str(conf, CONF_DATABASE))));
	} else {
		check(problem && problem[0] && !conf);
	}
	(void)close(fd);
	return 0;
}
