/*
 * The audit log, written whole: as lines of JSON, or as a table for spreadsheets. Hard rule: memory
 * for one page, however long the log is; and no cell of the table is a formula.
 */
#include "api/audit.h"

#include "api/handlers.h"

#include "audit/audit_json.h"
#include "base/encode.h"
#include "base/time.h"

#include "base/banned.h"

#define PAGE 200

struct export
{
	struct audit_search search;
	bool csv, begun;
};

/*
 * A cell, quoted (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe before
 * it: texts in the log come from people who are not trusted.
 */
static void write_cell(struct buf *out, span text)
{
	bool formula = text.len && (span_find(SPAN("=+-@\t\r\n"), text.ptr[0]) < 7);

	buf_add_byte(out, '"');
	if (formula)
		buf_add_byte(out, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_add_byte(out, '"');
		buf_add_byte(out, text.ptr[i]);
	}
	buf_add_byte(out, '"');
}

static void write_row(struct buf *out, const struct audit_entry *a)
{
	const span cells[] = {a->id, a->actor_kind, a->actor, a->action, a->object, a->outcome,
		a->ip_prefix, a->request_id, a->detail};
	char memory[SHA256_HEX + 1];
	struct buf text;

	buf_add_i64(out, a->seq);
	buf_add_byte(out, ',');
	time_format(out, a->at_us);
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		buf_add_byte(out, ',');
		write_cell(out, cells[i]);
	}
	buf_init_fixed(&text, memory, sizeof(memory));
	hex_encode(&text, span_of(a->hash, sizeof(a->hash)));
	buf_addf(out, ",%s\r\n", buf_str(&text));
}

static void write_line(struct buf *out, const struct audit_entry *a)
{
	struct json_writer w;

	json_writer_init(&w, out);
	audit_write_entry(&w, a);
	buf_add_byte(out, '\n');
}

static err next_piece(struct request *rq, void *data, struct buf *out, bool *ret_end)
{
	struct export *x = data;
	AUTO_PTR(arena) page = arena_new(); /* the request's would grow with the log */
	struct task t = rq->task;
	struct audit_entry *list;
	size_t count = 0;

	t.arena = page;
	err e = audit_list(&t, &x->search, &list, &count);

	if (e)
		return e;
	if (x->csv && !x->begun)
		buf_add_str(out, "seq,at,id,actor_kind,actor,action,object,outcome,ip_prefix,"
				 "request_id,detail,hash\r\n");
	x->begun = true;
	for (size_t i = 0; i < count; i++) {
		if (x->csv)
			write_row(out, &list[i]);
		else
			write_line(out, &list[i]);
		x->search.beyond = list[i].seq;
	}
	*ret_end = count < PAGE;
	return OK;
}

err export_audit(struct request *rq)
{
	struct export *x = arena_alloc(rq->task.arena, sizeof(*x));

	audit_read_filter(rq, &x->search);
	x->search.oldest_first = true;
	x->search.limit = PAGE;
	x->csv = span_is(request_text(rq, "format"), "csv");
	answer_header(rq, "Content-Disposition",
		x->csv ? SPAN("attachment; filename=\"audit.csv\"")
		       : SPAN("attachment; filename=\"audit.jsonl\""));
	answer_header(rq, "X-Accel-Buffering", SPAN("no"));
	answer_pieces(rq,
		x->csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson",
		next_piece, x);
	return OK;
}
