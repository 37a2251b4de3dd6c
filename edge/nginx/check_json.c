/*
 * The choice of an update check as JSON. Hard rule: of a release or package the caller may not
 * have, nothing is written.
 */
#include "slipway.h"

#include "base/banned.h"

static void write_package(struct json_writer *w, const struct update_package *p)
{
	json_begin_object(w, "package");
	json_str(w, "id", p->id);
	json_str(w, "filename", p->filename);
	json_u64(w, "size", p->size);
	json_str(w, "sha256", p->sha256);
	json_str(w, "format", p->format);
	json_cstr(w, "class", class_name(p->class_));
	json_end(w);
}

static void write_text(struct json_writer *w, const char *key, span text)
{
	if (text.len)
		json_str(w, key, text);
	else
		json_nil(w, key);
}

static void write_release(struct json_writer *w, const struct update_choice *c)
{
	const struct update_release *r = &c->release;

	write_text(w, "version", c->update ? r->version_text : SPAN_EMPTY);
	write_text(w, "release_id", c->update ? r->id : SPAN_EMPTY);
	json_bool(w, "critical", c->update && r->critical);
	json_bool(w, "mandatory", c->update && r->mandatory);
	write_text(w, "notes_url", c->update ? r->notes_url : SPAN_EMPTY);
	if (c->update)
		write_package(w, &r->packages[c->package]);
	else
		json_nil(w, "package");
	json_nil(w, "delta");
	if (c->update && r->eol_us > 0)
		json_time(w, "eol", r->eol_us);
	else
		json_nil(w, "eol");
}

static void write_requires(struct json_writer *w, const struct update_choice *c)
{
	json_begin_array(w, "requires");
	for (size_t i = 0; c->update && i < c->requires_count; i++) {
		json_begin_object(w, NULL);
		json_str(w, "product", c->requires[i].product);
		json_str(w, "range", c->requires[i].range);
		json_str(w, "version", c->requires[i].version);
		json_str(w, "release_id", c->requires[i].release_id);
		json_str(w, "package_id", c->requires[i].package_id);
		json_end(w);
	}
	json_end(w);
}

void slipway_write_choice(struct buf *out, const struct update_choice *c, enum channel channel)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_bool(&w, "update", c->update);
	json_cstr(&w, "reason", update_reason_name(c->reason));
	json_cstr(&w, "policy",
		c->reason == UPDATE_NOT_ENTITLED ? policy_reason_name(c->policy) : NULL);
	json_cstr(&w, "channel", channel_name(channel));
	write_release(&w, c);
	write_requires(&w, c);
	/* the number and the end of the object differ from client to client: see check.c */
	json_raw(&w, "next_check_seconds", SPAN_EMPTY);
}
