#ifndef SLIPWAY_CLI_PROGRESS_H
#define SLIPWAY_CLI_PROGRESS_H

/*
 * How far a transfer is, on standard error: a bar that is redrawn on a terminal, a plain line now
 * and then elsewhere (log files of CI). One transfer, one object; one thread.
 */

#include "cli/terminal.h"

#define PROGRESS_SAMPLES 16

struct progress {
	FILE *stream_;
	struct terminal terminal_;
	char label_[256];
	uint64_t total_, begun_;
	int64_t started_us_, drawn_us_;
	unsigned spoken_; /* without a terminal: tenths already reported */
	bool on_line_;    /* something is drawn on the present line */
	/* a ring of recent positions: the rate is that of the last seconds */
	struct {
		int64_t at_us;
		uint64_t bytes;
	} samples_[PROGRESS_SAMPLES];
	unsigned samples_count_;
};

/* label is copied and made harmless. begun: bytes there already, when a transfer is resumed. */
void progress_start(struct progress *p, FILE *stream, span label, uint64_t begun, uint64_t total,
	int64_t now_us);
/* Draws if it is time to; cheap to call often. */
void progress_update(struct progress *p, uint64_t bytes, int64_t now_us);
/* The last word: the whole took so long; or, !ok, leaves the line for what follows. */
void progress_finish(struct progress *p, bool ok, uint64_t bytes, int64_t now_us);

/* One line of at most width columns, no escape sequences; for tests. */
void progress_line(
	const struct progress *p, uint64_t bytes, int64_t now_us, unsigned width, struct buf *out);

#endif
