#ifndef SLIPWAY_EVENT_EVENT_LINE_H
#define SLIPWAY_EVENT_EVENT_LINE_H

/*
 * One line of log/events.log, as nginx writes it at the end of a request (docs/events.md). Pure;
 * this is the only place that knows the format. Lines come from a file that may have been torn by
 * a crash or a full disk, and parts of them from clients: nothing is trusted.
 */

#include "base/span.h"

#define EVENT_LINE_MAX   16384 /* longer lines are torn */
#define EVENT_RANGES_MAX 32    /* ranges of one request that are looked at */

enum event_kind { EVENT_DOWNLOAD, EVENT_CHECK, EVENT_KINDS };
const char *event_kind_name(enum event_kind k);

/* Spans borrow the line; text keeps its JSON escapes. Absent members are empty or 0. */
struct event_line {
	enum event_kind kind;
	int64_t at_us; /* end of the request */
	span country;  /* ISO code or empty */

	/* download */
	int64_t duration_us; /* of the request */
	span download;       /* download id */
	span filename;
	span method, agent;
	int status;
	uint64_t sent;             /* bytes of the body handed to the kernel */
	uint64_t size;             /* of the whole file; 0 unknown */
	bool complete;             /* all of what was asked for was handed over */
	span content_range, range; /* headers of the answer and of the request */

	/* check */
	span product, platform, channel, installed, offered, reason, counted;
};

/*
 * Makes a line safe to read and to store: nginx passes on what a client sent, so bytes that are no
 * valid UTF-8 become '?'. To be called before event_line_parse().
 */
void event_line_clean(char *line, size_t len);

/*
 * Reads one line without its newline. A line glued to the rest of a torn one is found too.
 * ERR_INVALID when there is no whole line in it.
 */
err event_line_parse(span line, struct event_line *ret) MUST_USE;

struct byte_range {
	uint64_t from, to; /* both inclusive */
};
/*
 * The bytes of the file a download line says were sent: at most EVENT_RANGES_MAX ranges, 0 when
 * none counts (HEAD, 304, an error, an empty body). What a cut answer of several ranges sent is
 * estimated from below: the union never claims bytes that were not handed over.
 */
size_t event_line_ranges(const struct event_line *l, struct byte_range ret[EVENT_RANGES_MAX]);

#endif
