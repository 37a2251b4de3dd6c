/*
 * Members of requests and parts of answers that several handlers of the catalogue need.
 */
#include "api/catalogue.h"

#include "catalog/inspect.h"
#include "catalog/platform.h"
#include "catalog/release.h"
#include "service/products.h"

#include "base/banned.h"

#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}
#define TEXT(name, least, most, help)                                                              \
	{                                                                                          \
		name, FIELD_STRING, true, least, most, NULL, NULL, help                            \
	}
#define OPT_TEXT(name, most, help)                                                                 \
	{                                                                                          \
		name, FIELD_STRING, false, 0, most, NULL, NULL, help                               \
	}
#define OPT_BOOL(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_BOOL, false, 0, 0, NULL, NULL, help                                    \
	}

#define COUNTRIES_MAX 250
#define CHANNELS      "stable beta dev"
#define CLASSES       "public licensed enterprise development"
#define ID_MAX        128

#define PRODUCT_TEXTS                                                                              \
	OPT_TEXT("title", TITLE_MAX_BYTES, "What people call it; the name without it"),            \
		OPT_TEXT("description", DESCRIPTION_MAX_BYTES, "What it is"),                      \
		{"countries_denied", FIELD_STRINGS, false, 0, COUNTRIES_MAX, NULL, NULL,           \
			"ISO 3166-1 codes of countries that may not have it"},                     \
	{                                                                                          \
		"countries_allowed", FIELD_STRINGS, false, 0, COUNTRIES_MAX, NULL, NULL,           \
			"If not empty, only these countries may have it"                           \
	}

const struct field new_product_fields[] = {
	TEXT("name", 1, PRODUCT_NAME_MAX, "Lower-case letters, digits, '.' and '-'; never changes"),
	PRODUCT_TEXTS, END};
const struct field product_change_fields[] = {PRODUCT_TEXTS, END};
const struct field publisher_key_fields[] = {
	TEXT("public_key", 1, 1000, "A minisign public key: the file's content or its last line"),
	END};

#define RELEASE_TEXTS                                                                              \
	OPT_TEXT("notes", NOTES_MAX_BYTES, "Release notes in Markdown"),                           \
		OPT_BOOL("critical", "A critical update: clients are told to hurry"),              \
		OPT_BOOL("mandatory", "An update that must be installed"),                         \
		OPT_TEXT("min_from", SEMVER_MAX_BYTES,                                             \
			"Least version it can be installed over; older clients get that one "      \
			"first"),                                                                  \
	{                                                                                          \
		"eol_at", FIELD_TIME, false, 0, 0, NULL, NULL, "When support for it ends"          \
	}

const struct field new_release_fields[] = {TEXT("product", 1, ID_MAX, "Name or id of the product"),
	TEXT("version", 1, SEMVER_MAX_BYTES, "Semantic version"),
	{"channels", FIELD_STRINGS, true, 1, CHANNEL_COUNT, NULL, NULL,
		"Some of stable, beta and dev; dev sees beta and stable, beta sees stable"},
	RELEASE_TEXTS, END};
const struct field release_change_fields[] = {
	{"channels", FIELD_STRINGS, false, 1, CHANNEL_COUNT, NULL, NULL,
		"Of a draft only; a published release is promoted"},
	RELEASE_TEXTS, END};
const struct field release_query[] = {
	OPT_TEXT("product", ID_MAX, "Only releases of this product, by name or id"),
	{"state", FIELD_STRING, false, 0, 0, "draft published paused withdrawn", NULL,
		"Only releases in this state"},
	OPT_TEXT("version", SEMVER_MAX_BYTES, "Only this version"), PAGE_QUERY, END};
const struct field reason_fields[] = {TEXT("reason", 1, 500, "Why, for people"), END};
const struct field promote_fields[] = {
	{"channel", FIELD_STRING, true, 0, 0, CHANNELS, NULL, "The channel to add"}, END};

static const struct field requirement_fields[] = {
	TEXT("product", 1, ID_MAX, "Name or id of the product it needs"),
	TEXT("range", 1, SEMVER_RANGE_MAX, "Versions that will do, such as ^2.6 or >=1.2.0 <2.0.0"),
	END};
const struct field new_package_fields[] = {TEXT("upload_id", 1, ID_MAX, "Id of a finished upload"),
	OPT_TEXT("filename", 200, "Name under which it is served; that of the upload without it"),
	{"platform", FIELD_STRING, true, 0, 0, PLATFORMS, NULL, "What it runs on"},
	{"format", FIELD_STRING, false, 0, 0, FORMAT_NAMES, NULL,
		"What it is; found out from the file without it"},
	{"class", FIELD_STRING, false, 0, 0, CLASSES, NULL, "Who may have it; public without it"},
	OPT_TEXT("entitlement", 64, "Code that the licence must have"),
	OPT_TEXT("organisation", 200, "Id or name of its organisation, with class enterprise"),
	OPT_TEXT("min_os_version", 64, "Least version of the operating system"),
	{"requires", FIELD_OBJECTS, false, 0, UPDATE_MAX_REQUIRES, NULL, requirement_fields,
		"Other products it needs"},
	OPT_TEXT("signature", 4096, "The publisher's minisign signature"),
	OPT_BOOL("strict", "Warnings are errors"), END};
const struct field package_query[] = {
	OPT_TEXT("release", ID_MAX, "Only packages of this release"), PAGE_QUERY, END};
const struct field manifest_query[] = {TEXT("product", 1, ID_MAX, "Name or id of the product"),
	{"channel", FIELD_STRING, false, 0, 0, CHANNELS, NULL, "stable without it"},
	OPT_TEXT("version", SEMVER_MAX_BYTES, "Only this version"),
	{"platform", FIELD_STRING, false, 0, 0, PLATFORMS, NULL, "Only packages for this platform"},
	PAGE_QUERY, END};

/* ---- answers ---- */

void write_optional(struct request *rq, const char *key, span text)
{
	if (text.len)
		json_str(&rq->out, key, text);
	else
		json_nil(&rq->out, key);
}

void write_optional_time(struct request *rq, const char *key, int64_t time_us)
{
	if (time_us)
		json_time(&rq->out, key, time_us);
	else
		json_nil(&rq->out, key);
}

void write_words(struct request *rq, const char *key, span words)
{
	span word;

	json_begin_array(&rq->out, key);
	while (words.len && span_cut(&words, ' ', &word))
		json_str(&rq->out, NULL, word);
	json_end(&rq->out);
}

void write_release(struct request *rq, const struct release *r)
{
	struct json_writer *w = &rq->out;

	json_str(w, "id", r->id);
	json_str(w, "product", r->product_name);
	json_str(w, "product_id", r->product_id);
	json_str(w, "version", r->version);
	json_cstr(w, "state", release_state_name(r->state));
	json_begin_array(w, "channels");
	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (r->channels & CHANNEL_BIT(c))
			json_cstr(w, NULL, channel_name((enum channel)c));
	json_end(w);
	json_str(w, "notes_url",
		span_from(arena_printf(
			rq->task.arena, "/api/v1/releases/%.*s/notes", SPAN_ARG(r->id))));
	json_bool(w, "critical", r->critical);
	json_bool(w, "mandatory", r->mandatory);
	write_optional(rq, "min_from", r->min_from);
	write_optional_time(rq, "eol_at", r->eol_at);
	json_time(w, "created_at", r->created_at);
	write_optional_time(rq, "published_at", r->published_at);
	write_optional(rq, "withdrawn_reason", r->withdrawn_reason);
}

void write_package(struct request *rq, const struct package *p)
{
	struct json_writer *w = &rq->out;

	json_str(w, "id", p->id);
	json_str(w, "release_id", p->release_id);
	json_str(w, "filename", p->filename);
	json_str(w, "platform", p->platform);
	json_str(w, "format", p->format);
	json_u64(w, "size", p->size);
	json_str(w, "sha256", p->sha256);
	json_cstr(w, "class", class_name(p->class_));
	write_optional(rq, "entitlement", p->entitlement);
	write_optional(rq, "organisation", p->organisation_id);
	write_optional(rq, "min_os_version", p->min_os_version);
	json_begin_array(w, "requires");
	for (size_t i = 0; i < p->requires_count; i++) {
		json_begin_object(w, NULL);
		json_str(w, "product", p->requires[i].product_name);
		json_str(w, "range", p->requires[i].range);
		json_end(w);
	}
	json_end(w);
	write_optional(rq, "signature", p->signature);
	write_optional(rq, "signature_key_id", p->signature_key_id);
	json_bool(w, "blocked", p->blocked);
	write_optional(rq, "blocked_reason", p->blocked_reason);
	json_time(w, "created_at", p->created_at);
}
