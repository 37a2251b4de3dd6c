#ifndef SLIPWAY_EVENT_DOWNLOAD_H
#define SLIPWAY_EVENT_DOWNLOAD_H

/*
 * A download: one granted token (and its renewals) and what became of it. It grows from two sides
 * that know nothing of each other and come in any order: the lines of the event log say which bytes
 * left the server, the client's report says what arrived. This file joins them; it is pure.
 *
 *   granted ──line──> started ──all bytes──> transferred       lines only ever move to the right
 *      └───────────────┴───────────────────────┴──report──> completed | failed     which are final
 *
 * Lines that arrive later than the report still add their bytes.
 */

#include "base/arena.h"
#include "event/event_line.h"

#define DOWNLOAD_FILES_MAX  64    /* files of a release that one record tells apart */
#define DOWNLOAD_RANGES_MAX 65536 /* bytes of the text of all ranges */
#define DOWNLOAD_JTI_SIZE   48

enum download_state {
	DOWNLOAD_GRANTED,
	DOWNLOAD_STARTED,
	DOWNLOAD_TRANSFERRED,
	DOWNLOAD_COMPLETED,
	DOWNLOAD_FAILED,
	DOWNLOAD_STATES
};
const char *download_state_name(enum download_state s);
bool download_state_from_name(span name, enum download_state *ret);

/* Times are 0 where there is none. Spans live in the arena of whoever read or made the record. */
struct download {
	span id;
	span package_id; /* empty: any file of the release */
	span release_id;
	span account_id, device_id, licence_id; /* empty: anonymous */
	span filename;                          /* empty: any file of the release */
	uint64_t size;                          /* of the file, or of all files of the release */
	enum download_state state;
	int64_t granted_at_us;
	int64_t expires_at_us; /* of the newest token */
	int64_t renewals;      /* tokens after the first */
	int64_t first_byte_at_us, last_byte_at_us;
	int64_t requests; /* that sent bytes */
	/*
	 * Text of ranges.h. For a release: "FILENAME:RANGES" for each file, with ';' between; names
	 * of stored files contain none of ":;,".
	 */
	span ranges;
	uint64_t bytes;      /* size of the union */
	uint64_t bytes_sent; /* sum over the requests */
	span country, referrer;
	span client_os, client_device, client_version;
	span report; /* canonical JSON of the client's report; empty: none yet */
	int64_t reported_at_us;
	int64_t duration_ms; /* as reported, else from first to last byte */
	span error;
	span product, version, platform, account; /* names, where they were asked for */
};

/* The `jti` of the n-th token of a download: so that all of them can be revoked by the record. */
void download_jti(span download_id, int64_t n, char ret[DOWNLOAD_JTI_SIZE]);
/*
 * The download a jti belongs to, and of which of its tokens it is; false when download_jti() writes
 * none like it.
 */
bool download_of_jti(span jti, span *ret_download_id, int64_t *ret_n);

/* True where the picture above has an arrow, or from == to. */
bool download_may_become(enum download_state from, enum download_state to);

/*
 * Takes a line of the event log into the record; lines that sent nothing change nothing (false).
 * New text is in arena a.
 */
bool download_add_line(struct download *d, const struct event_line *line, struct arena *a);

/* What a client says at the end of a download. */
struct download_report {
	bool success;
	uint64_t bytes;
	int64_t duration_ms;
	span error, referrer;
	span client_os, client_device, client_version;
};
/*
 * Takes the client's report into the record. OK also when the same report was taken before;
 * ERR_CONFLICT when another one was, or when the download has ended without one (revoked).
 * *ret_changed is false for a repetition.
 */
err download_add_report(struct download *d, const struct download_report *r, int64_t now_us,
	struct arena *a, bool *ret_changed) MUST_USE;

/* Ends a download that was revoked before it ended by itself. */
void download_revoke(struct download *d);

#endif
