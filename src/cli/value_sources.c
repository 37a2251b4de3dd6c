/*
 * Values from the server for completion. Hard rule: what a server says stays on its line and is
 * harmless to a terminal; the shells' scripts quote it.
 */
#include "cli/value_sources.h"

#include "cli/session.h"

#include "base/banned.h"

const struct value_source source_accounts = {"/admin/accounts?limit=200", "email", "role"};
const struct value_source source_keys = {"/admin/keys?limit=200", "id", "name"};
const struct value_source source_organisations = {"/admin/organisations?limit=200", "name", "id"};
const struct value_source source_permissions = {"/permissions", "name", "meaning"};
const struct value_source source_products = {"/admin/products?limit=200", "name", "title"};
const struct value_source source_providers = {"/admin/identity-providers", "name", "title"};
const struct value_source source_roles = {"/admin/roles", "name", "title"};

static void add_text(const json_t *item, const char *member, struct buf *out)
{
	const char *text = json_string_value(json_object_get(item, member));

	text_clean(out, span_from(text));
}

void value_sources_list(struct cli *cli, const struct value_source *source, struct buf *out)
{
	json_t *page = NULL, *item;
	size_t i;

	if (session_call(cli, "GET", source->path, NULL, &page) != OK)
		return;
	json_array_foreach(json_object_get(page, "items"), i, item)
	{
		add_text(item, source->member, out);
		buf_add_byte(out, '\t');
		add_text(item, source->help, out);
		buf_add_byte(out, '\n');
	}
	json_decref(page);
}
