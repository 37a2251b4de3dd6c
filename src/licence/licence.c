/* Rules of licences. Hard rule: pure. */
#include "licence/licence.h"

#include "base/banned.h"

bool entitlement_is_valid(span code)
{
	if (code.len == 0 || code.len > LICENCE_CODE_MAX)
		return false;
	for (size_t i = 0; i < code.len; i++) {
		char c = code.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
			    c == '-'))
			return false;
	}
	return true;
}

enum policy_reason licence_check(const struct licence *l, int64_t now_us)
{
	if (l->state != LICENCE_ACTIVE)
		return POLICY_LICENCE_SUSPENDED;
	if (l->starts_at_us && now_us < l->starts_at_us)
		return POLICY_LICENCE_NOT_STARTED;
	if (l->expires_at_us && now_us >= l->expires_at_us)
		return POLICY_LICENCE_EXPIRED;
	return POLICY_ALLOW;
}
