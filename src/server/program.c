/* Where this program is. */
#include "server/program.h"

#include <unistd.h>

#include "base/banned.h"

const char *program_directory(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	span full = span_of(path, n > 0 ? (size_t)n : 0);

	return arena_str(a, span_sub(full, 0, span_rfind(full, '/') + 1));
}
