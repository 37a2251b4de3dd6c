/* The catalogue for clients: the manifest and release notes. */
#include "api/handlers.h"

#include "api/catalogue.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "service/manifest.h"

#include "base/banned.h"

static void write_manifest(struct request *rq, const struct manifest *m)
{
	struct json_writer *w = &rq->out;

	json_begin_object(w, NULL);
	json_str(w, "product", m->product.name);
	json_str(w, "title", m->product.title);
	json_begin_array(w, "releases");
	for (size_t i = 0; i < m->count; i++) {
		json_begin_object(w, NULL);
		write_release(rq, &m->releases[i].release);
		json_begin_array(w, "packages");
		for (size_t k = 0; k < m->releases[i].packages.count; k++) {
			json_begin_object(w, NULL);
			write_package(rq, &m->releases[i].packages.items[k]);
			json_end(w);
		}
		json_end(w);
		json_end(w);
	}
	json_end(w);
	answer_text_or_null(rq, "next_cursor", m->next);
	json_end(w);
}

/* RFC 9110, section 13.1.2: weak comparison with each tag of the list. */
static bool has_tag(span list, span tag)
{
	span item;

	while (span_cut(&list, ',', &item)) {
		item = span_trim(item);
		if (span_starts_with(item, SPAN("W/")))
			item = span_from_offset(item, 2);
		if (span_is(item, "*") || span_eq(item, tag))
			return true;
	}
	return false;
}

/* A strong tag over the bytes of the answer; nothing but 304 when the client has them. */
static err answer_tagged(struct request *rq)
{
	uint8_t digest[SHA256_SIZE];
	AUTO(buf) tag = {0};

	if (buf_error(&rq->out_text))
		return buf_error(&rq->out_text);
	buf_init(&tag, SHA256_HEX + 2);
	sha256(buf_span(&rq->out_text), digest);
	buf_add_byte(&tag, '"');
	hex_encode(&tag, span_of(digest, sizeof(digest)));
	buf_add_byte(&tag, '"');
	answer_header(rq, "ETag", buf_span(&tag));
	/* To be asked about again each time, by this caller only. */
	answer_header(rq, "Cache-Control", SPAN("private, no-cache"));
	if (has_tag(request_header(rq, "If-None-Match"), buf_span(&tag))) {
		buf_clear(&rq->out_text);
		rq->status = 304;
	}
	return OK;
}

err get_manifest(struct request *rq)
{
	span channel = request_text(rq, "channel");
	struct manifest_query q = {
		.product = request_text(rq, "product"),
		.channel = CHANNEL_STABLE,
		.version = request_text(rq, "version"),
		.platform = request_text(rq, "platform"),
		.after = page_cursor(rq),
		.limit = page_limit(rq),
	};
	struct manifest m;

	if (channel.len && !channel_from_name(channel, &q.channel))
		return ERR_BUG; /* validated before */
	err e = manifest_make(&rq->task, &q, &m);

	if (e)
		return e;
	write_manifest(rq, &m);
	return answer_tagged(rq);
}

err get_release_notes(struct request *rq)
{
	span notes;
	err e = manifest_notes(&rq->task, rq->params[0], &notes);

	if (e)
		return e;
	answer_text(rq, "text/markdown; charset=utf-8", notes);
	return answer_tagged(rq);
}
