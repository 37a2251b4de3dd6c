/* A line of a file of checkpoints: what is accepted is read again from what we write. */
#include "fuzz.h"

#include "audit/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	char memory[CHECKPOINT_LINE_MAX];
	struct checkpoint c, again;
	struct buf line;

	if (checkpoint_parse(text, &c) == OK) {
		buf_init_fixed(&line, memory, sizeof(memory));
		checkpoint_format(&c, &line);
		check(buf_error(&line) == OK);
		check(checkpoint_parse(buf_span(&line), &again) == OK);
		check(memcmp(&c, &again, sizeof(c)) == 0);
	}
	fuzz_free(text);
	return 0;
}
