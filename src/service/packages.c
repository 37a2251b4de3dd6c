/*
 * Use cases of packages. Hard rule: what a package is said to be was compared with what its bytes
 * are, before it is stored; the declaration is never believed.
 */
#include "service/packages.h"

#include "blob/blob.h"
#include "catalog/inspect.h"
#include "catalog/platform.h"
#include "catalog/product.h"
#include "catalog/release.h"
#include "catalog/stored.h"
#include "crypto/minisign.h"
#include "crypto/random.h"
#include "service/publish.h"
#include "service/releases.h"
#include "service/signatures.h"
#include "service/uploads.h"
#include "sys/files.h"

#include "base/banned.h"

#define ENTITLEMENT_MAX 64

struct work {
	struct task *task;
	const struct package_input *input;
	struct release release;
	struct product product;
	struct publisher_key_list keys;
	struct upload_view upload;
	struct package package; /* what is to be added */
	struct package_result *result;
	uint64_t seq;
};

/* ---- what was declared ---- */

/* Codes go into space-separated lists and tokens. */
static bool entitlement_is_valid(span code)
{
	if (code.len > ENTITLEMENT_MAX)
		return false;
	for (size_t i = 0; i < code.len; i++) {
		char c = code.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.' || c == ':'))
			return false;
	}
	return true;
}

static err check_requirement(struct task *t, const struct requirement *q)
{
	if (q->range.len > SEMVER_RANGE_MAX || semver_range_check(q->range))
		return fail(t, ERR_INVALID, "invalid_range",
			"'%.*s' is no range of versions, such as >=1.2.0 <2.0.0 or ^1.4.",
			(int)MIN(q->range.len, (size_t)64), q->range.ptr);
	return OK;
}

static err check_requirements(struct task *t, const struct package_input *in)
{
	err e = OK;

	if (in->requires_count > UPDATE_MAX_REQUIRES)
		return fail(t, ERR_INVALID, "too_many_requirements",
			"A package requires at most %d products.", UPDATE_MAX_REQUIRES);
	for (size_t i = 0; i < in->requires_count && !e; i++)
		e = check_requirement(t, &in->requires[i]);
	return e;
}

static err check_input(struct task *t, const struct package_input *in)
{
	if (!platform_exists(in->platform))
		return fail(
			t, ERR_INVALID, "unknown_platform", "'platform' is one of %s.", PLATFORMS);
	if (in->format.len && !format_exists(in->format))
		return fail(
			t, ERR_INVALID, "unknown_format", "'format' is one of %s.", FORMAT_NAMES);
	if (in->filename.len && !filename_is_safe(in->filename))
		return fail(t, ERR_INVALID, "invalid_filename",
			"The file name has 1 to %d letters, digits, spaces and . _ + ~ @ = -, and "
			"no path.",
			FILENAME_MAX_BYTES);
	if (!entitlement_is_valid(in->entitlement))
		return fail(t, ERR_INVALID, "invalid_entitlement",
			"An entitlement is a code of at most %d letters, digits and - _ . :",
			ENTITLEMENT_MAX);
	if (!os_version_is_valid(in->min_os_version))
		return fail(t, ERR_INVALID, "invalid_os_version",
			"'min_os_version' has up to four numbers, such as 10.0.19041.");
	if (in->class_ == CLASS_ENTERPRISE && !in->organisation.len)
		return fail(t, ERR_INVALID, "organisation_missing",
			"A package of class enterprise names its organisation.");
	if (in->class_ != CLASS_ENTERPRISE && in->organisation.len)
		return fail(t, ERR_INVALID, "organisation_not_expected",
			"Only packages of class enterprise name an organisation.");
	if (in->signature.len > MINISIGN_TEXT_MAX)
		return fail(t, ERR_INVALID, "invalid_signature",
			"'signature' is no minisign signature.");
	return check_requirements(t, in);
}

/* ---- what the file is ---- */

static err warn(struct work *w, const char *reason, const char *text)
{
	struct package_result *r = w->result;

	if (w->input->strict)
		return fail(w->task, ERR_INVALID, reason, "%s", text);
	if (r->warnings_count < PACKAGE_WARNINGS_MAX)
		r->warnings[r->warnings_count++] = text;
	return OK;
}

static err check_version(struct work *w, const struct inspection *i)
{
	if (!i->version[0] || inspect_version_matches(span_from(i->format), span_from(i->version),
				      w->release.version))
		return OK;
	return warn(w, "version_mismatch",
		arena_printf(w->task->arena,
			"The package says it is version %s, the release is %.*s.", i->version,
			SPAN_ARG(w->release.version)));
}

static err check_file(struct work *w)
{
	const struct package_input *in = w->input;
	const struct inspection *i = &w->upload.inspection;
	struct task *t = w->task;

	if (in->format.len && !span_is(in->format, i->format))
		return fail(t, ERR_INVALID, "format_mismatch",
			"The file is a package of format %s, not %.*s.", i->format,
			SPAN_ARG(in->format));
	if (!inspect_platform_matches(i, in->platform))
		return fail(t, ERR_INVALID, "architecture_mismatch",
			"The file is for %s-%s, not for %.*s.", i->os[0] ? i->os : "any",
			i->architecture[0] ? i->architecture : "any", SPAN_ARG(in->platform));
	return check_version(w, i);
}

/* ---- gathering ---- */

static err gather_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	err e = release_find_for(tx, t, w->input->release_id, &w->release);

	if (!e)
		e = product_get(tx, t->arena, w->release.product_id, &w->product);
	return e ? e : publisher_key_list_of(tx, t->arena, w->product.id, &w->keys);
}

static err may_add_to(struct task *t, const struct release *r)
{
	if (r->state == RELEASE_WITHDRAWN)
		return fail(t, ERR_CONFLICT, "release_withdrawn",
			"A withdrawn release does not change any more.");
	return r->state == RELEASE_DRAFT ? OK : may_publish_in(t, r->channels);
}

static err get_upload(struct work *w)
{
	struct task *t = w->task;
	err e = upload_show(t, w->input->upload_id, &w->upload);

	if (!e && !w->upload.upload.sha256.len)
		return fail(t, ERR_CONFLICT, "upload_incomplete",
			"Of the upload %llu bytes have arrived so far.",
			(unsigned long long)w->upload.offset);
	return e;
}

/* Before anything is stored: the signature is verified against the bytes in the store. */
static err check_signature(struct work *w, span *ret_key_id)
{
	struct task *t = w->task;

	*ret_key_id = SPAN_EMPTY;
	if (!w->input->signature.len)
		return OK;
	return signature_check(
		t, &w->keys, w->upload.upload.sha256, w->input->signature, ret_key_id);
}

static void describe(struct work *w, span key_id)
{
	const struct package_input *in = w->input;
	char id[TYPEID_SIZE];

	random_id("pkg", w->task->now_us, id);
	w->package = (struct package){
		.id = span_from(arena_strdup(w->task->arena, id)),
		.release_id = w->release.id,
		.filename = in->filename.len ? in->filename : w->upload.upload.filename,
		.platform = in->platform,
		.format = span_from(arena_strdup(w->task->arena, w->upload.inspection.format)),
		.size = w->upload.upload.length,
		.sha256 = w->upload.upload.sha256,
		.class_ = in->class_,
		.entitlement = in->entitlement,
		.min_os_version = in->min_os_version,
		.signature = in->signature,
		.signature_key_id = key_id,
		.created_at = w->task->now_us,
	};
}

/* ---- adding ---- */

/* Names become ids; each product once, never the package's own. */
static err resolve_requirements(struct db_tx *tx, struct work *w)
{
	const struct package_input *in = w->input;
	struct task *t = w->task;
	struct requirement *list = arena_alloc(t->arena, (UPDATE_MAX_REQUIRES + 1) * sizeof(*list));
	struct product p;

	for (size_t i = 0; i < in->requires_count; i++) {
		err e = product_get(tx, t->arena, in->requires[i].product_name, &p);

		if (e == ERR_NOT_FOUND)
			return fail(t, ERR_INVALID, "required_product_not_found",
				"There is no product '%.*s' to require.",
				SPAN_ARG(in->requires[i].product_name));
		if (e)
			return e;
		if (span_eq(p.id, w->release.product_id))
			return fail(t, ERR_INVALID, "requirement_circle",
				"A package cannot require its own product.");
		for (size_t k = 0; k < i; k++)
			if (span_eq(list[k].product_id, p.id))
				return fail(t, ERR_INVALID, "requirement_twice",
					"'%.*s' is required twice.", SPAN_ARG(p.name));
		list[i] = (struct requirement){p.id, p.name, in->requires[i].range};
	}
	w->package.requires = list;
	w->package.requires_count = in->requires_count;
	return OK;
}

static bool same_requirements(const struct package *a, const struct package *b)
{
	if (a->requires_count != b->requires_count)
		return false;
	for (size_t i = 0; i < a->requires_count; i++) {
		bool found = false;

		for (size_t k = 0; k < b->requires_count; k++)
			found |= span_eq(a->requires[i].product_id, b->requires[k].product_id) &&
				 span_eq(a->requires[i].range, b->requires[k].range);
		if (!found)
			return false;
	}
	return true;
}

/* Whether adding `wanted` means the package that is there. */
static bool is_same(const struct package *there, const struct package *wanted)
{
	return span_eq(there->sha256, wanted->sha256) &&
	       span_eq(there->filename, wanted->filename) && there->class_ == wanted->class_ &&
	       span_eq(there->entitlement, wanted->entitlement) &&
	       span_eq(there->organisation_id, wanted->organisation_id) &&
	       span_eq(there->min_os_version, wanted->min_os_version) &&
	       same_requirements(there, wanted);
}

/* A package that is there already: the same one is the answer, now signed if it was not. */
static err meet(struct db_tx *tx, struct work *w, const struct package *there)
{
	struct task *t = w->task;
	struct package *p = &w->result->package;

	if (!span_eq(there->sha256, w->package.sha256))
		return fail(t, ERR_CONFLICT, "package_exists",
			"The release has a package for %.*s in format %.*s with other bytes: "
			"%.*s. Bytes of a version never change; publish a new version.",
			SPAN_ARG(there->platform), SPAN_ARG(there->format), SPAN_ARG(there->id));
	if (!is_same(there, &w->package))
		return fail(t, ERR_CONFLICT, "package_differs",
			"These bytes are in the release as %.*s, with another name, class, "
			"entitlement, organisation or requirement, and stay so. Say the same as "
			"there, or publish a new version.",
			SPAN_ARG(there->id));
	*p = *there;
	w->result->existing = true;
	if (there->signature.len || !w->package.signature.len)
		return OK;
	p->signature = w->package.signature;
	p->signature_key_id = w->package.signature_key_id;
	return package_set_signature(tx, p->id, p->signature, p->signature_key_id);
}

static err check_free(struct db_tx *tx, struct work *w, const struct package **ret_there)
{
	struct task *t = w->task;
	struct package_list list;
	err e = package_list_of_release(tx, t->arena, w->release.id, &list);

	*ret_there = NULL;
	if (e)
		return e;
	for (size_t i = 0; i < list.count; i++)
		if (span_eq(list.items[i].platform, w->package.platform) &&
			span_eq(list.items[i].format, w->package.format)) {
			*ret_there = &list.items[i];
			return OK;
		}
	for (size_t i = 0; i < list.count; i++)
		if (span_eq(list.items[i].filename, w->package.filename))
			return fail(t, ERR_CONFLICT, "filename_exists",
				"The release has a file named %.*s, for %.*s.",
				SPAN_ARG(w->package.filename), SPAN_ARG(list.items[i].platform));
	if (list.count == RELEASE_PACKAGES_MAX)
		return fail(t, ERR_INVALID, "too_many_packages",
			"A release has at most %d packages.", RELEASE_PACKAGES_MAX);
	return OK;
}

static err resolve_organisation(struct db_tx *tx, struct work *w)
{
	span name = w->input->organisation;

	if (!name.len)
		return OK;
	err e = package_organisation_id(tx, w->task->arena, name, &w->package.organisation_id);

	return e == ERR_NOT_FOUND ? fail(w->task, ERR_INVALID, "organisation_not_found",
					    "There is no organisation '%.*s'.", SPAN_ARG(name))
				  : e;
}

static err check_references(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	struct blob_row blob;
	err e = stored_get(tx, t->arena, w->package.sha256, &blob);

	if (e == ERR_NOT_FOUND || (!e && blob.state != BLOB_VERIFIED))
		return fail(t, ERR_CONFLICT, "package_not_verified",
			"The uploaded bytes are not there any more; upload them again.");
	if (!e)
		e = resolve_organisation(tx, w);
	return e ? e : resolve_requirements(tx, w);
}

/* A release that is out: the new package must hold to what publishing demands, and goes out too. */
static err publish_addition(struct db_tx *tx, struct work *w)
{
	struct feed_batch batch;

	if (w->release.state == RELEASE_DRAFT)
		return OK;
	err e = publish_check(tx, w->task, &w->release);

	feed_begin(&batch, tx);
	if (!e)
		e = publish_records(tx, w->task, &batch, w->release.id);
	if (!e)
		e = publish_verdict(tx, w->task, &batch, w->package.sha256);
	return e ? e : feed_seal(&batch, &w->seq);
}

static err add_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	const struct package *there;
	err e = release_find_for(tx, t, w->input->release_id, &w->release);

	w->seq = 0;
	w->result->existing = false;
	if (!e)
		e = may_add_to(t, &w->release);
	if (!e)
		e = check_references(tx, w);
	if (!e)
		e = check_free(tx, w, &there);
	if (e)
		return e;
	if (there)
		return meet(tx, w, there);
	e = package_add(tx, &w->package);
	if (!e)
		e = audit_add(tx, t, "package.create", w->package.id, "{}");
	if (!e)
		e = publish_addition(tx, w);
	if (!e)
		w->result->package = w->package;
	return e;
}

err package_create(struct task *t, const struct package_input *in, struct package_result *ret)
{
	struct package_result result = {0};
	struct work w = {.task = t, .input = in, .result = &result};
	span key_id;
	err e = check_input(t, in);

	if (!e)
		e = db_transact(t->service->db, DB_READ, gather_body, &w);
	if (!e)
		e = may_add_to(t, &w.release);
	if (!e)
		e = get_upload(&w);
	if (!e)
		e = check_file(&w);
	if (!e)
		e = check_signature(&w, &key_id);
	if (e)
		return e;
	describe(&w, key_id);
	e = db_transact(t->service->db, DB_WRITE, add_body, &w);
	if (!e)
		e = published(t, w.seq);
	if (!e)
		*ret = result;
	return e;
}
