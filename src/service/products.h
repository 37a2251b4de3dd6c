#ifndef SLIPWAY_SERVICE_PRODUCTS_H
#define SLIPWAY_SERVICE_PRODUCTS_H

/* Products and the keys of their publishers. */

#include "catalog/product.h"
#include "service/service.h"

#define TITLE_MAX_BYTES       200
#define DESCRIPTION_MAX_BYTES 4000

struct product_input {
	span name, title, description;            /* an empty title is the name */
	span countries_denied, countries_allowed; /* space-separated */
};
/* ERR_CONFLICT product_exists. */
err product_create(struct task *t, const struct product_input *in, struct product *ret) MUST_USE;

/* NULL members stay as they are. Changed countries reach every release of the product. */
struct product_change {
	const span *title, *description, *countries_denied, *countries_allowed;
};
err product_edit(struct task *t, span id_or_name, const struct product_change *c,
	struct product *ret) MUST_USE;
err product_show(struct task *t, span id_or_name, struct product *ret) MUST_USE;
err product_page_of(struct task *t, span after, int64_t limit, struct product_list *ret) MUST_USE;

/* public_key: minisign's two-line file or the bare base64 line. */
err publisher_key_create(
	struct task *t, span product, span public_key, struct publisher_key *ret) MUST_USE;
err publisher_keys_show(struct task *t, span product, struct publisher_key_list *ret) MUST_USE;
err publisher_key_remove_from(struct task *t, span product, span id) MUST_USE;

#endif
