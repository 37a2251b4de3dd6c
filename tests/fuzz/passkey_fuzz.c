/*
 * What authenticators say. The first byte says what the rest is: client data, authenticator data or
 * an attestation object, each with right ones of the other kinds beside it, so that it is reached.
 */
#include "fuzz.h"

#include "account/cbor.h"
#include "account/passkey.h"

#define CHALLENGE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ORIGIN    "https://vpn.example.com"
#define CREATE                                                                                     \
	"{\"type\":\"webauthn.create\",\"challenge\":\"" CHALLENGE "\",\"origin\":\"" ORIGIN "\"}"
#define GET "{\"type\":\"webauthn.get\",\"challenge\":\"" CHALLENGE "\",\"origin\":\"" ORIGIN "\"}"

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
		try_answer(input, SPAN("x"), SPAN("\xa0"));
		break;
	case 1:
		try_new(SPAN(CREATE), input);
		break;
	case 2:
		try_answer(SPAN(GET), input, SPAN("\xa0"));
		break;
	default:
		try_cbor(input);
	}
	fuzz_free(input);
	return 0;
}
