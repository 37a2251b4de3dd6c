/*
 * From settings to nginx.conf. Hard rule: every value put in was checked by conf/rules.c to be
 * without meaning to nginx, or is a number made here.
 */
#include "server/nginx_conf.h"

#include "base/time.h"
#include "conf/conf.h"
#include "server/geoip.h"
#include "server/names.h"

#include "base/banned.h"

/*
 * Connections beside the upload slots: for the short requests that ask how far an upload is, and so
 * that one too many hears from the control plane when to come back.
 */
#define UPLOAD_QUESTIONS 4

#define MAX_SLOTS   32
#define SPARE_FILES 512 /* beyond two descriptors for each connection: logs, state, listeners */

struct slot {
	const char *name;
	const char *text;
};

struct rendering {
	struct arena *arena;
	const struct conf *conf;
	struct slot slots[MAX_SLOTS];
	size_t count;
};

static void set(struct rendering *r, const char *name, const char *text)
{
	if (r->count < MAX_SLOTS)
		r->slots[r->count++] = (struct slot){name, text};
}

static void set_number(struct rendering *r, const char *name, int64_t n)
{
	set(r, name, arena_printf(r->arena, "%lld", (long long)n));
}

static const char *find_slot(const struct rendering *r, span name)
{
	for (size_t i = 0; i < r->count; i++)
		if (span_is(name, r->slots[i].name))
			return r->slots[i].text;
	return NULL;
}

/* One line per word: indentation, directive, the word, what follows it. */
static const char *lines(struct rendering *r, span words, const char *before, const char *after)
{
	const char *text = "";
	span word;

	while (span_cut(&words, ' ', &word))
		if (word.len > 0)
			text = arena_printf(r->arena, "%s%s%s%.*s%s", text,
				text[0] != '\0' ? "\n" : "", before, SPAN_ARG(word), after);
	return text;
}

span first_port(span addresses)
{
	span first = span_sub(span_trim(addresses), 0, span_find(span_trim(addresses), ' '));

	return span_from_offset(first, span_rfind(first, ':') + 1);
}

/* Where HTTP sends browsers: the public URL, else this server's HTTPS under the name asked for. */
static const char *redirect_target(struct rendering *r)
{
	const char *url = conf_str(r->conf, CONF_PUBLIC_URL);
	span port = first_port(span_from(conf_str(r->conf, CONF_HTTPS)));

	if (url[0] != '\0')
		return url;
	if (span_is(port, "443"))
		return "https://$host";
	return arena_printf(r->arena, "https://$host:%.*s", SPAN_ARG(port));
}

static void set_capacity(struct rendering *r, const struct nginx_machine *m)
{
	int64_t workers = conf_int(r->conf, CONF_WORKERS);
	int64_t connections = conf_int(r->conf, CONF_CONNECTIONS);
	int64_t limit = (int64_t)MIN(m->max_files, (uint64_t)INT32_MAX);
	int64_t files = MIN(connections * 2 + SPARE_FILES, limit);
	int64_t threads = conf_int(r->conf, CONF_API_THREADS);

	workers = workers > 0 ? workers : (int64_t)MAX(m->cores, 1);
	set_number(r, "workers", workers);
	set_number(r, "files", files);
	set_number(r, "connections", MIN(connections, files));
	/* Half for running requests, half for idle connections: a new one costs as much as a
	 * request. */
	set_number(r, "api_requests", threads - threads / 2);
	set_number(r, "keepalive", MAX(threads / 2 / workers, 1)); /* of each worker */
	set_number(
		r, "upload_connections", conf_int(r->conf, CONF_UPLOAD_SLOTS) + UPLOAD_QUESTIONS);
	set_number(r, "upload_max", conf_int(r->conf, CONF_UPLOAD_MAX));
}

static void set_limits(struct rendering *r)
{
	int64_t api = conf_int(r->conf, CONF_API_RATE), check = conf_int(r->conf, CONF_CHECK_RATE);

	set_number(r, "api_rate", api);
	set_number(r, "api_burst", api * 2);
	set_number(r, "check_rate", check);
	set_number(r, "check_burst", check * 2);
	set_number(r, "downloads", conf_int(r->conf, CONF_DOWNLOAD_CONNECTIONS));
}

static void set_addresses(struct rendering *r)
{
	const struct conf *c = r->conf;
	const char *operators =
		lines(r, span_from(conf_str(c, CONF_METRICS_ALLOW)), "\t\t\tallow ", ";");

	set(r, "server_name", conf_str(c, CONF_SERVER_NAME));
	set(r, "https_listen",
		lines(r, span_from(conf_str(c, CONF_HTTPS)), "\t\tlisten ", " ssl http2;"));
	set(r, "http_listen", lines(r, span_from(conf_str(c, CONF_HTTP)), "\t\tlisten ", ";"));
	set(r, "http", conf_str(c, CONF_HTTP));
	set(r, "redirect", redirect_target(r));
	set(r, "proxies",
		lines(r, span_from(conf_str(c, CONF_PROXIES)), "\tset_real_ip_from ", ";"));
	set(r, "operators",
		arena_printf(r->arena, "%s%s\t\t\tdeny all;", operators,
			operators[0] != '\0' ? "\n" : ""));
}

static void set_all(struct rendering *r, const struct nginx_machine *m)
{
	set_capacity(r, m);
	set_limits(r);
	set_addresses(r);
	set(r, "issuer", names_issuer(r->conf));
	set(r, "pool", POOL_NAME);
	set(r, "edge", EDGE_NAME);
	set_number(r, "hsts_seconds", conf_int(r->conf, CONF_HSTS) / TIME_SECOND);
	set(r, "hsts_preload", conf_bool(r->conf, CONF_HSTS_PRELOAD) ? "; preload" : "");
	set(r, "geoip_database", DATA_COUNTRIES);
	set(r, "geoip_module", m->geoip_module != NULL ? m->geoip_module : "");
	set(r, "geoip", m->geoip_module != NULL ? "yes" : "");
	set(r, "no_geoip", m->geoip_module != NULL ? "" : "yes");
}

/* One line of the template with its values. */
static err render_line(const struct rendering *r, span line, struct buf *out)
{
	for (;;) {
		size_t open = 0, end;
		const char *text;

		while (open < line.len &&
			!span_starts_with(span_from_offset(line, open), SPAN("{{")))
			open++;
		buf_add(out, span_sub(line, 0, open));
		if (open == line.len)
			break;
		line = span_from_offset(line, open + 2);
		end = span_find(line, '}');
		text = find_slot(r, span_sub(line, 0, end));
		if (text == NULL || !span_starts_with(span_from_offset(line, end), SPAN("}}")))
			return ERR_BUG;
		buf_add_str(out, text);
		line = span_from_offset(line, end + 2);
	}
	buf_add_byte(out, '\n');
	return OK;
}

/* The head of the template explains the template, not the result. */
static const char head[] =
	"# Made by `slipway serve` from its settings at each start and reload.\n";

err nginx_conf_render(struct arena *a, const struct conf *conf, const struct nginx_machine *machine,
	struct buf *out)
{
	struct rendering r = {.arena = a, .conf = conf};
	span rest = span_from(nginx_conf_template), line;
	bool in_head = true, skipping = false;

	set_all(&r, machine);
	buf_add_str(out, head);
	while (span_cut(&rest, '\n', &line)) {
		in_head = in_head && line.len > 0;
		if (span_is(line, "#end")) {
			skipping = false;
		} else if (span_starts_with(line, SPAN("#if "))) {
			const char *text = find_slot(&r, span_from_offset(line, 4));
			if (text == NULL)
				return ERR_BUG;
			skipping = text[0] == '\0';
		} else if (!in_head && !skipping) {
			err e = render_line(&r, line, out);
			if (e != OK)
				return e;
		}
	}
	return buf_error(out);
}
