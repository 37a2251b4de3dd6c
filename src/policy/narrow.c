/*
 * Narrowed permissions. Hard rule: no operation here makes a list wider than one it was made of.
 */
#include "policy/policy.h"

#include "base/banned.h"

#define PRODUCT      SPAN("product:")
#define ORGANISATION SPAN("organisation:own")
/* No product has this name: what is left of two lists that have no product in common. */
#define NO_PRODUCT SPAN("product:-")

static bool next_word(span *list, span *ret)
{
	while (span_cut(list, ' ', ret))
		if (ret->len)
			return true;
	return false;
}

static bool has(span list, span word)
{
	span item;

	while (next_word(&list, &item))
		if (span_eq(item, word))
			return true;
	return false;
}

static bool is_product(span word)
{
	return span_starts_with(word, PRODUCT);
}

static bool narrows(span word)
{
	return is_product(word) || span_eq(word, ORGANISATION);
}

bool permission_is_personal(span name)
{
	return span_starts_with(name, SPAN("self.")) || span_is(name, "download.request") ||
	       span_is(name, "product.read");
}

bool permission_is_for_people(span name)
{
	return span_starts_with(name, SPAN("self.")) || span_is(name, "download.request") ||
	       span_starts_with(name, SPAN("package.read."));
}

bool permissions_are_for_products(span list)
{
	span word;

	while (next_word(&list, &word))
		if (is_product(word))
			return true;
	return false;
}

bool permissions_are_for_organisation(span list)
{
	return has(list, ORGANISATION);
}

bool permissions_reach_product(span list, span product)
{
	span word;
	bool narrowed = false;

	while (next_word(&list, &word)) {
		if (!is_product(word))
			continue;
		narrowed = true;
		if (span_eq(span_from_offset(word, PRODUCT.len), product))
			return true;
	}
	return !narrowed;
}

span permissions_for_packages(span list, span product)
{
	return permissions_are_for_organisation(list) || !permissions_reach_product(list, product)
		       ? SPAN_EMPTY
		       : list;
}

static void add_word(struct buf *out, size_t start, span word)
{
	if (buf_len(out) > start)
		buf_add_byte(out, ' ');
	buf_add(out, word);
}

static void narrow_products(span a, span b, struct buf *out, size_t start)
{
	span from = permissions_are_for_products(a) ? a : b, other = from.ptr == a.ptr ? b : a,
	     word;
	bool any = false;

	if (!permissions_are_for_products(from))
		return;
	while (next_word(&from, &word)) {
		if (!is_product(word) ||
			!permissions_reach_product(other, span_from_offset(word, PRODUCT.len)))
			continue;
		add_word(out, start, word);
		any = true;
	}
	if (!any)
		add_word(out, start, NO_PRODUCT);
}

void permissions_narrow(span a, span b, struct buf *out)
{
	size_t start = buf_len(out);
	span rest = a, word;

	while (next_word(&rest, &word))
		if (!narrows(word) && has(b, word))
			add_word(out, start, word);
	narrow_products(a, b, out, start);
	if (permissions_are_for_organisation(a) || permissions_are_for_organisation(b))
		add_word(out, start, ORGANISATION);
}

bool permissions_are_personal(span list)
{
	span word;

	while (next_word(&list, &word))
		if (!narrows(word) && !permission_is_personal(word))
			return false;
	return true;
}

bool permissions_cover(span list, span other, span *ret_beyond)
{
	span rest = other, word;

	while (next_word(&rest, &word)) {
		bool beyond = is_product(word) ? !permissions_reach_product(
							 list, span_from_offset(word, PRODUCT.len))
					       : !narrows(word) && !permission_is_personal(word) &&
							 !has(list, word);

		*ret_beyond = word;
		if (beyond)
			return false;
	}
	if (permissions_are_personal(other))
		return true;
	*ret_beyond = SPAN("every product");
	if (permissions_are_for_products(list) && !permissions_are_for_products(other))
		return false;
	*ret_beyond = SPAN("every organisation");
	return !permissions_are_for_organisation(list) || permissions_are_for_organisation(other);
}
