/* Hard rule: what stands in the tables may be anybody's; it is written as text, not as JSON. */
#include "audit/audit_json.h"

#include "base/encode.h"

#include "base/banned.h"

static void write_hash(struct json_writer *out, const uint8_t hash[SHA256_SIZE])
{
	char memory[SHA256_HEX + 1];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	hex_encode(&text, span_of(hash, SHA256_SIZE));
	json_str(out, "hash", buf_span(&text));
}

/* What somebody wrote into the table must not become the shape of our answer. */
static bool is_json(span text)
{
	struct json_reader r;

	json_reader_init(&r, text);
	json_skip(&r);
	return json_read_end(&r) == OK;
}

void audit_write_entry(struct json_writer *out, const struct audit_entry *a)
{
	json_begin_object(out, NULL);
	json_i64(out, "seq", a->seq);
	json_str(out, "id", a->id);
	json_time(out, "at", a->at_us);
	json_str(out, "actor_kind", a->actor_kind);
	json_str(out, "actor", a->actor);
	json_str(out, "action", a->action);
	json_str(out, "object", a->object);
	json_str(out, "outcome", a->outcome);
	json_str(out, "ip_prefix", a->ip_prefix);
	json_str(out, "request_id", a->request_id);
	if (is_json(a->detail))
		json_raw(out, "detail", a->detail);
	else
		json_str(out, "detail", a->detail);
	write_hash(out, a->hash);
	json_end(out);
}

static void write_finding(struct json_writer *out, const struct audit_finding *f)
{
	json_begin_object(out, NULL);
	json_cstr(out, "kind", audit_finding_name(f->kind));
	if (f->seq)
		json_i64(out, "seq", f->seq);
	else
		json_nil(out, "seq");
	json_cstr(out, "title", audit_finding_title(f->kind));
	json_cstr(out, "detail", f->detail);
	json_end(out);
}

void audit_write_report(struct json_writer *out, const struct audit_report *r)
{
	json_begin_object(out, NULL);
	json_bool(out, "intact", r->intact);
	json_i64(out, "entries", r->entries);
	json_i64(out, "unsealed", r->unsealed);
	json_i64(out, "checkpoints", r->checkpoints);
	if (r->head.seq)
		checkpoint_write(out, "head", &r->head);
	else
		json_nil(out, "head");
	json_begin_array(out, "findings");
	for (size_t i = 0; i < MIN(r->findings_count, AUDIT_FINDINGS_MAX); i++)
		write_finding(out, &r->findings[i]);
	json_end(out);
	json_u64(out, "findings_count", r->findings_count);
	json_end(out);
}
