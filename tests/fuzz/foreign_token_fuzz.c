/* Key sets, tokens and discovery documents of other servers: "key set \n token \n document". */
#include "fuzz.h"

#include "base/arena.h"
#include "federation/discovery.h"
#include "federation/foreign_token.h"
#include "federation/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct foreign_expected expected = {.issuer = SPAN("https://login.example.test"),
		.audience = SPAN("slipway"),
		.types = "JWT"};
	AUTO_PTR(arena) a = arena_new();
	struct key_set *keys = NULL;
	struct provider_settings settings;
	span rest = span_of(data, size), set = SPAN_EMPTY, token = SPAN_EMPTY, document;
	struct discovery d;
	json_t *claims;

	(void)span_cut(&rest, '\n', &set);
	(void)span_cut(&rest, '\n', &token);
	document = rest.ptr ? rest : SPAN_EMPTY;
	if (!key_set_parse(set, &keys)) {
		/* Nothing that was signed with the keys of the corpus is valid at this time. */
		if (foreign_token_verify(keys, token, &expected, 1, a, &claims) == FOREIGN_OK)
			abort();
		key_set_unref(keys);
	}
	if (foreign_token_kid(a, token).len > FOREIGN_TOKEN_MAX)
		abort();
	if (!discovery_parse(a, document, SPAN("https://login.example.test"), &d) &&
		d.token_endpoint.len == 0)
		abort();
	if (!provider_settings_parse(a, document, &settings) &&
		settings.rules_count > PROVIDER_RULES_MAX)
		abort();
	return 0;
}
