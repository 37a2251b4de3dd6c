/* Hard rule: every process of a node, and every node, must come to the same names. */
#include "server/names.h"

#include "base/banned.h"

const char *names_issuer(const struct conf *c)
{
	const char *url = conf_str(c, CONF_PUBLIC_URL);

	return *url ? url : "slipway";
}
