/*
 * Permissions and what the built-in roles may do. Hard rule: a role is a set of permissions and
 * nothing else; no code asks for a role by name.
 */
#include "policy/policy.h"

#include "base/banned.h"

#define ADD(name, meaning) name " "
#define ROW(name, meaning) {SPAN_INIT(name), meaning},

static const struct permission permissions[] = {POLICY_PERMISSIONS(ROW)};

const struct permission *permissions_all(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(permissions);
	return permissions;
}

static const struct {
	span role, permissions;
} roles[] = {
	{SPAN_INIT("admin"), SPAN_INIT(POLICY_PERMISSIONS(ADD))},
	{SPAN_INIT("user"), SPAN_INIT("product.read self.read self.write download.request ")},
	{SPAN_INIT("guest"), SPAN_INIT("product.read self.read self.write download.request ")},
};

bool permission_exists(span name)
{
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		if (span_eq(name, permissions[i].name))
			return true;
	return false;
}

span role_permissions(span role)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (span_eq(role, roles[i].role))
			return span_trim(roles[i].permissions);
	return SPAN_EMPTY;
}

bool role_exists(span role)
{
	return role_permissions(role).len > 0;
}
