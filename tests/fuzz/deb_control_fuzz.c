/* The control file of a Debian package. */
#include "fuzz.h"

#include "catalog/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	struct inspection i = {0};

	if (inspect_deb_control(text, &i) == OK) {
		check(i.name[0] && i.version[0] && i.architecture[0]);
		check(strlen(i.name) < sizeof(i.name) && strlen(i.version) < sizeof(i.version));
		check(!strpbrk(i.name, " \n\t") && !strpbrk(i.version, " \n\t"));
	}
	fuzz_free(text);
	return 0;
}
