/*
 * What authenticators say. The first byte says what the rest is: client data, an attestation
 * object, authenticator data or a stored key, each with right ones of the other kinds beside it, so
 * that it is reached.
 */
#include "fuzz.h"

#include "account/cbor.h"
#include "account/passkey.h"

#define CHALLENGE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ORIGIN    "https://vpn.example.com"
#define CREATE                                                                                     \
	"{\"type\":\"webauthn.create\",\"challenge\":\"" CHALLENGE "\",\"origin\":\"" ORIGIN "\"}"
#define GET "{\"type\":\"webauthn.get\",\"challenge\":\"" CHALLENGE "\",\"origin\":\"" ORIGIN "\"}"
/* Of somebody who was present and verified; and a key that signed none of what is tried. */
#define DATA                                                                                       \
	"\xc5\x46\x4d\xf0\x43\x66\x4b\x89\x77\xc7\x83\x56\x38\xba\x59\x41\x73\x0e\x85\x5f"         \
	"\x00\x33\x05\xf4\xe2\xce\x4b\xec\x60\x5f\xdc\x1a\x05\x00\x00\x00\x01"
#define KEY                                                                                        \
	"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20\x16\xd7\x10\xff\x6d\x40\x0f\x79\x53\xf0"         \
	"\x46\xfe\xe9\x1b\xa1\xe0\x50\xbf\xec\xb1\xac\xd4\x6e\x48\x64\xf5\xf9\x8a\x5e\x99"         \
	"\x68\xfa\x22\x58\x20\xa9\x05\x51\x45\x2c\x11\x4c\x87\x7e\x69\x36\x60\x7e\x92\x31"         \
	"\x19\x3a\xb4\xa9\xd2\x20\x99\x41\x3d\xb7\x2f\x01\x53\x39\x15\xfe\xa2"

static const struct passkey_expected expected = {
	SPAN_INIT(CHALLENGE), SPAN_INIT(ORIGIN), .verified = true};

static bool is_inside(span part, span whole)
{
	return part.len > 0 && part.ptr >= whole.ptr &&
	       part.ptr + part.len <= whole.ptr + whole.len;
}

/* What is accepted can be used: its key is read again. */
static void try_new(span client_data, span object)
{
	struct passkey_assertion a = {SPAN(GET), SPAN("x"), SPAN("x")};
	const char *why = NULL;
	uint32_t counter = 0;
	struct passkey p;
	err e = passkey_register(&expected, client_data, object, &p, &why);

	check(e == OK || (e == ERR_DENIED && why));
	if (e)
		return;
	check(is_inside(p.credential_id, object) && is_inside(p.key, object));
	check(p.credential_id.len <= PASSKEY_CREDENTIAL_MAX);
	check(passkey_verify(&expected, p.key, &a, &counter, &why) == ERR_DENIED);
}

/* Nothing here was signed, so nothing is accepted; a bad key is ERR_CORRUPT. */
static void try_answer(span client_data, span data, span key)
{
	struct passkey_assertion a = {client_data, data, SPAN("0\6\2\1\1\2\1\1")};
	const char *why = NULL;
	uint32_t counter;
	err e = passkey_verify(&expected, key, &a, &counter, &why);

	check(e == ERR_CORRUPT || (e == ERR_DENIED && why));
}

static void try_cbor(span input)
{
	struct cbor_cursor c;
	size_t passed = 0;

	cbor_cursor_init(&c, input);
	while (!cbor_at_end(&c)) {
		span item = cbor_skip(&c);

		if (item.len == 0)
			return;
		passed += item.len;
	}
	check(passed == input.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	span input = fuzz_input(data + 1, size - 1);

	switch (data[0] % 4) {
	case 0:
		try_new(input, SPAN("\xa0"));
		try_answer(input, SPAN(DATA), SPAN(KEY));
		break;
	case 1:
		try_new(SPAN(CREATE), input);
		break;
	case 2:
		try_answer(SPAN(GET), input, SPAN(KEY));
		break;
	default:
		try_cbor(input);
		try_answer(SPAN(GET), SPAN(DATA), input);
	}
	fuzz_free(input);
	return 0;
}
