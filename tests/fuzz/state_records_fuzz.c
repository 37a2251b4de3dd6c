/*
 * Values of the published state. The first byte chooses the record; what can be read is written
 * again as the same bytes, so one record has one form.
 */
#include "fuzz.h"

#include "state/records.h"

static void repack_release(span value, struct buf *out)
{
	struct update_release r;

	if (!state_unpack_release(value, &r))
		state_pack_release(out, &r);
}

static void repack_product(span value, struct buf *out)
{
	struct state_product p;

	if (!state_unpack_product(value, &p))
		state_pack_product(out, &p);
}

static void repack_file(span value, struct buf *out)
{
	struct state_file f;

	if (!state_unpack_file(value, &f))
		state_pack_file(out, &f);
}

static void repack_number(span value, struct buf *out)
{
	uint64_t n;

	if (!state_unpack_u64(value, &n))
		state_pack_u64(out, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const repack[])(span, struct buf *) = {
		repack_release, repack_product, repack_file, repack_number};
	AUTO(buf) out;

	buf_init(&out, size + 1);
	if (size == 0)
		return 0;
	span value = fuzz_input(data + 1, size - 1);

	repack[data[0] % ARRAY_LEN(repack)](value, &out);
	check(!buf_error(&out));
	check(buf_len(&out) == 0 || span_eq(buf_span(&out), value));
	fuzz_free(value);
	return 0;
}
