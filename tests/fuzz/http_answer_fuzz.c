/* An HTTP status, the head of an answer, an empty line, its body: what the client makes of it. */
#include "fuzz.h"

#include <string.h>

#include "net/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size), rest = text, line;
	struct http_answer a;

	http_answer_init(&a);
	answer_clear(&a, 1 << 20);
	a.status = size ? 300 + data[0] : 404;
	while (span_cut(&rest, '\n', &line) && line.len)
		answer_add_header(&a, line);
	if (rest.ptr)
		buf_add(&a.body, rest);
	answer_explain(&a);
	check(a.code[0] && strlen(a.code) < HTTP_CODE_SIZE);
	check(strlen(a.request_id) < HTTP_REQUEST_ID_SIZE);
	check(buf_len(&a.detail) > 0 && a.retry_after_us >= 0);
	check(http_answer_header(&a, "x-request-id").len <= size);
	http_answer_done(&a);
	fuzz_free(text);
	return 0;
}
