/*
 * Reading a file under inspection. Hard rule: never past its size, whatever an offset says.
 */
#include "catalog/sample.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

err sample_from_fd(int fd, struct sample *ret)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return ERR_IO;
	*ret = (struct sample){.fd = fd, .size = (uint64_t)st.st_size};
	return OK;
}

struct sample sample_from_memory(span bytes)
{
	return (struct sample){.fd = -1, .memory = bytes, .size = bytes.len};
}

size_t sample_read(const struct sample *s, uint64_t offset, void *to, size_t len)
{
	size_t done = 0;

	if (offset >= s->size)
		return 0;
	len = (size_t)MIN((uint64_t)len, s->size - offset);
	if (s->fd < 0) {
		memcpy(to, s->memory.ptr + offset, len);
		return len;
	}
	while (done < len) {
		ssize_t n = pread(s->fd, (char *)to + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

bool sample_read_all(const struct sample *s, uint64_t offset, void *to, size_t len)
{
	return sample_read(s, offset, to, len) == len;
}
