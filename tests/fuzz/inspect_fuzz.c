/* A file under inspection: recognised as what it claims to be, and given to every parser. */
#include "fuzz.h"

#include "catalog/inspect.h"

typedef err parser(const struct sample *s, struct inspection *ret);

static void check_texts(const struct inspection *i)
{
	check(memchr(i->format, '\0', sizeof(i->format)));
	check(memchr(i->os, '\0', sizeof(i->os)));
	check(memchr(i->architecture, '\0', sizeof(i->architecture)));
	check(memchr(i->name, '\0', sizeof(i->name)));
	check(memchr(i->version, '\0', sizeof(i->version)));
	check(!i->format[0] || format_exists(span_from(i->format)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static parser *const parsers[] = {inspect_sample, inspect_deb, inspect_rpm, inspect_pe,
		inspect_ole, inspect_xar, inspect_elf, inspect_dmg, inspect_zip, inspect_tar};
	span bytes = fuzz_input(data, size);
	struct sample s = sample_from_memory(bytes);

	for (size_t k = 0; k < ARRAY_LEN(parsers); k++) {
		struct inspection i = {0};
		err e = parsers[k](&s, &i);

		check(e == OK || e == ERR_INVALID || e == ERR_NOMEM);
		if (e == OK)
			check_texts(&i);
	}
	fuzz_free(bytes);
	return 0;
}
