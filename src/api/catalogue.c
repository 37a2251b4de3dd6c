/* Parts of answers that several handlers of the catalogue need. */
#include "api/catalogue.h"

#include "base/banned.h"

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
	answer_text_or_null(rq, "min_from", r->min_from);
	answer_time(rq, "eol_at", r->eol_at);
	json_time(w, "created_at", r->created_at);
	answer_time(rq, "published_at", r->published_at);
	answer_text_or_null(rq, "withdrawn_reason", r->withdrawn_reason);
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
	answer_text_or_null(rq, "entitlement", p->entitlement);
	answer_text_or_null(rq, "organisation", p->organisation_id);
	answer_text_or_null(rq, "min_os_version", p->min_os_version);
	json_begin_array(w, "requires");
	for (size_t i = 0; i < p->requires_count; i++) {
		json_begin_object(w, NULL);
		json_str(w, "product", p->requires[i].product_name);
		json_str(w, "range", p->requires[i].range);
		json_end(w);
	}
	json_end(w);
	answer_text_or_null(rq, "signature", p->signature);
	answer_text_or_null(rq, "signature_key_id", p->signature_key_id);
	json_bool(w, "blocked", p->blocked);
	answer_text_or_null(rq, "blocked_reason", p->blocked_reason);
	json_time(w, "created_at", p->created_at);
}
