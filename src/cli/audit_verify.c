/*
 * Verifying the audit log: the server is asked, or the database and the keys of a data directory
 * are read. Reads only.
 */
#include "cli/audit.h"

#include "audit/audit_json.h"
#include "audit/checkpoint_file.h"
#include "base/encode.h"
#include "cli/request.h"
#include "conf/conf.h"
#include "sys/files.h"

#include "base/banned.h"

#define REPORT_MAX (1 << 20)
#define DB_WAIT_US INT64_C(10000000)

/* On this machine ------------------------------------------------------------------------------ */

static err open_database(struct cli *cli, const char *data, struct db **ret)
{
	const char *file = arena_printf(cli->arena, "%s/slipway.conf", data), *problem, *url;
	AUTO_PTR(conf) conf = NULL;

	if (!path_exists(file))
		return cli_fail(cli, ERR_NOT_FOUND, "no_data_directory",
			"%s holds no Slipway server: there is no slipway.conf", data);
	if (conf_load(cli->arena, file, NULL, 0, &conf, &problem) != OK)
		return cli_fail(cli, ERR_INVALID, "settings", "%s", problem);
	url = conf_str(conf, CONF_DATABASE);
	if (span_is(span_from(url), "sqlite"))
		url = arena_printf(cli->arena, "sqlite:%s/db/slipway.db", data);
	err e = db_open(
		&(struct db_options){.url = url, .max_sessions = 2, .wait_us = DB_WAIT_US}, ret);

	if (e)
		return cli_fail(
			cli, e, "database", "The database cannot be opened: %s", err_title(e));
	return OK;
}

/* The file beside the database, where there is one, and those named. */
static const char *const *files_of(struct cli *cli, const char *data, size_t *ret_count)
{
	size_t named;
	const char *const *given = cli_texts(cli, "checkpoints", &named);
	const char *own = arena_printf(cli->arena, "%s/audit/checkpoints.jsonl", data);
	const char **all = arena_try_array(cli->arena, named + 1, sizeof(*all));
	size_t count = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; i < named; i++)
		all[count++] = given[i];
	if (path_exists(own))
		all[count++] = own;
	else
		cli_note(cli, "%s is not there: an end that was cut off may not be seen", own);
	*ret_count = count;
	return all;
}

static err verify_here(struct cli *cli, const char *data, json_t **ret)
{
	struct audit_verification v = {
		.keys_dir = arena_printf(cli->arena, "%s/keys", data),
		.accept_restored = cli_flag(cli, "accept-restored"),
	};
	struct audit_report *report;
	struct json_writer w;
	AUTO(buf) text = {0};

	v.files = files_of(cli, data, &v.files_count);
	if (!v.files)
		return ERR_NOMEM;
	err e = open_database(cli, data, &v.db);

	if (e)
		return e;
	e = audit_verify(cli->arena, &v, &report);
	db_close(v.db);
	if (e)
		return cli_fail(cli, e, NULL, "The audit log cannot be read: %s", err_title(e));
	buf_init(&text, REPORT_MAX);
	json_writer_init(&w, &text);
	audit_write_report(&w, report);
	*ret = json_loadb(buf_str(&text), buf_len(&text), 0, NULL);
	return *ret ? OK : ERR_NOMEM;
}

/* At the server -------------------------------------------------------------------------------- */

struct newest {
	struct checkpoint last;
	struct cli *cli;
	const char *file;
};

static err note_newest(void *ctx, unsigned line, const struct checkpoint *c)
{
	struct newest *n = ctx;

	if (!c)
		return cli_fail(n->cli, ERR_CORRUPT, "checkpoint_unreadable",
			"%s, line %u: not a checkpoint", n->file, line);
	if (c->seq >= n->last.seq)
		n->last = *c;
	return OK;
}

static err add_finding(json_t *report, const struct checkpoint *c, const char *file)
{
	json_t *finding = json_pack("{s:s, s:I, s:s, s:s}", "kind", "rewritten", "seq",
		(json_int_t)c->seq, "title", "The chain differs from a checkpoint", "detail", file);

	if (!finding || json_array_append_new(json_object_get(report, "findings"), finding) ||
		json_object_set_new(report, "intact", json_false()))
		return ERR_NOMEM;
	return OK;
}

/* The newest line pins all before it: the server's own walk has shown that they are one chain. */
static err compare_newest(struct cli *cli, const char *file, json_t *report)
{
	struct newest n = {.cli = cli, .file = file};
	char memory[SHA256_HEX + 1];
	struct buf hash;
	json_t *entry;
	err e = checkpoint_file_read(file, note_newest, &n);

	if (e)
		return cli->error ? e
				  : cli_fail(cli, e, "file", "%s cannot be read: %s", file,
					    err_title(e));
	if (n.last.seq == 0)
		return OK;
	e = session_call(cli, "GET",
		arena_printf(cli->arena, "/admin/audit/%lld", (long long)n.last.seq), NULL, &entry);
	if (e == ERR_NOT_FOUND) {
		cli->error = OK;
		cli->detail = cli->hint = cli->code = cli->request_id = NULL;
		return add_finding(report, &n.last, file);
	}
	if (e)
		return e;
	buf_init_fixed(&hash, memory, sizeof(memory));
	hex_encode(&hash, span_of(n.last.hash, sizeof(n.last.hash)));
	if (!span_is(buf_span(&hash), json_string_value(json_object_get(entry, "hash"))))
		e = add_finding(report, &n.last, file);
	json_decref(entry);
	return e;
}

static err verify_there(struct cli *cli, json_t **ret)
{
	size_t count;
	const char *const *files = cli_texts(cli, "checkpoints", &count);
	err e = session_call(cli, "GET", request_query(cli, "/admin/audit/verify"), NULL, ret);

	for (size_t i = 0; e == OK && i < count; i++)
		e = compare_newest(cli, files[i], *ret);
	return e;
}

/* Both ----------------------------------------------------------------------------------------- */

static err show(struct cli *cli, const json_t *report)
{
	static const struct view views[] = {
		{"KIND", "kind", VIEW_TEXT, 0},
		{"ENTRY", "seq", VIEW_TEXT, COLUMN_RIGHT},
		{"WHAT", "title", VIEW_TEXT, 0},
		{"WHERE", "detail", VIEW_TEXT, COLUMN_SHRINK},
	};

	fprintf(cli->out, "%lld entries, %lld checkpoints, %lld entries wait for their place\n",
		(long long)json_integer_value(json_object_get(report, "entries")),
		(long long)json_integer_value(json_object_get(report, "checkpoints")),
		(long long)json_integer_value(json_object_get(report, "unsealed")));
	return view_table(cli, json_object_get(report, "findings"), views, ARRAY_LEN(views),
		"The audit log is what was written");
}

err audit_run_verify(struct cli *cli)
{
	const char *data = cli_text(cli, "data");
	json_t *report = NULL;
	err e = data ? verify_here(cli, data, &report) : verify_there(cli, &report);

	if (e != OK)
		return e;
	bool intact = json_is_true(json_object_get(report, "intact"));

	if (cli->json) {
		e = command_answer(cli, report);
	} else {
		e = show(cli, report);
		json_decref(report);
	}
	if (e == OK && !intact)
		return cli_fail(cli, ERR_CORRUPT, "audit_tampered",
			"The audit log is not what was written");
	return e;
}
