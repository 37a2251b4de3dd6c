/*
 * Progress bars. A bar never lies: when it turns out that less arrived it goes back, and its rate
 * is measured over the last seconds only, so that a stalled transfer is seen to stall.
 */
#include "cli/progress.h"

#include <string.h>

#include "base/time.h"
#include "cli/chart.h"
#include "cli/humane.h"

#include "base/banned.h"

#define REDRAW_US  (100 * TIME_MS)
#define SPEAK_US   (2 * TIME_SECOND)
#define SAMPLE_US  (500 * TIME_MS)
#define BAR_LEAST  10
#define BAR_MOST   40
#define FIXED_SIZE 512
#define LABEL_MOST 48 /* columns; 4 bytes each fit label_ */

static void add_sample(struct progress *p, uint64_t bytes, int64_t now_us)
{
	unsigned newest = (p->samples_count_ + PROGRESS_SAMPLES - 1) % PROGRESS_SAMPLES;

	if (p->samples_count_ > 0 && now_us - p->samples_[newest].at_us < SAMPLE_US)
		return;
	p->samples_[p->samples_count_ % PROGRESS_SAMPLES].at_us = now_us;
	p->samples_[p->samples_count_ % PROGRESS_SAMPLES].bytes = bytes;
	p->samples_count_++;
	if (p->samples_count_ == 2 * PROGRESS_SAMPLES) /* the ring stays full, the count small */
		p->samples_count_ = PROGRESS_SAMPLES;
}

/* Bytes per second since the oldest sample; 0 while unknown. */
static uint64_t rate(const struct progress *p, uint64_t bytes, int64_t now_us)
{
	unsigned oldest = p->samples_count_ < PROGRESS_SAMPLES ? 0 : p->samples_count_;
	int64_t at = p->samples_[oldest % PROGRESS_SAMPLES].at_us;
	uint64_t then = p->samples_[oldest % PROGRESS_SAMPLES].bytes;

	if (p->samples_count_ == 0 || now_us - at < 200 * TIME_MS || bytes < then)
		return 0;
	return (uint64_t)((double)(bytes - then) * 1e6 / (double)(now_us - at));
}

static unsigned percent(uint64_t bytes, uint64_t total)
{
	if (total == 0)
		return 100;
	return (unsigned)((double)bytes / (double)total * 100.0);
}

/* "  53%  12.3 MB of 52.4 MB  1.20 MB/s  33 s left" */
static void add_numbers(const struct progress *p, uint64_t bytes, int64_t now_us, struct buf *out)
{
	uint64_t per_second = rate(p, bytes, now_us);

	buf_addf(out, "%3u%%  ", percent(bytes, p->total_));
	humane_size(out, bytes);
	buf_add_str(out, " of ");
	humane_size(out, p->total_);
	if (per_second == 0)
		return;
	buf_add_str(out, "  ");
	humane_rate(out, per_second);
	if (bytes < p->total_) {
		buf_add_str(out, "  ");
		humane_duration(out,
			(int64_t)((p->total_ - bytes) / per_second) * TIME_SECOND + TIME_SECOND);
		buf_add_str(out, " left");
	}
}

void progress_line(
	const struct progress *p, uint64_t bytes, int64_t now_us, unsigned width, struct buf *out)
{
	char memory[FIXED_SIZE];
	AUTO(buf) numbers = {0};
	unsigned taken, label, bar;

	buf_init_fixed(&numbers, memory, sizeof(memory));
	add_numbers(p, bytes, now_us, &numbers);
	taken = text_width(buf_span(&numbers));
	label = text_width(span_from(p->label_));
	if (taken + 2 > width) {
		text_cut(out, buf_span(&numbers), width);
		return;
	}
	/* The numbers stay whole; then the bar has its least width; then the name. */
	label = MIN(label, width - taken - 2);
	bar = width - taken - 2 - label;
	if (bar < BAR_LEAST + 2 && label > 16) {
		label = MAX(16, label + bar > BAR_LEAST + 2 ? label + bar - (BAR_LEAST + 2) : 16);
		bar = width - taken - 2 - label;
	}
	text_cut(out, span_from(p->label_), label);
	buf_add_str(out, "  ");
	if (bar >= BAR_LEAST + 2) {
		chart_bar(out, bytes, p->total_, MIN(bar - 2, BAR_MOST), true);
		buf_add_byte(out, ' ');
	}
	buf_add(out, buf_span(&numbers));
}

static void draw(struct progress *p, uint64_t bytes, int64_t now_us)
{
	char memory[FIXED_SIZE * 2];
	AUTO(buf) line = {0};

	buf_init_fixed(&line, memory, sizeof(memory));
	progress_line(p, bytes, now_us, p->terminal_.width - 1, &line);
	/* Carriage return, the line, and what an earlier longer line left is erased. */
	fprintf(p->stream_, "\r%s\033[K", buf_str(&line));
	fflush(p->stream_);
	p->on_line_ = true;
	p->drawn_us_ = now_us;
}

static void speak(struct progress *p, uint64_t bytes, int64_t now_us)
{
	char memory[FIXED_SIZE];
	AUTO(buf) numbers = {0};
	unsigned tenths = percent(bytes, p->total_) / 10;

	if (tenths <= p->spoken_ || bytes >= p->total_ || now_us - p->drawn_us_ < SPEAK_US)
		return;
	p->drawn_us_ = now_us;
	p->spoken_ = tenths;
	buf_init_fixed(&numbers, memory, sizeof(memory));
	add_numbers(p, bytes, now_us, &numbers);
	fprintf(p->stream_, "%s: %s\n", p->label_, buf_str(&numbers));
	fflush(p->stream_);
}

void progress_start(struct progress *p, FILE *stream, span label, uint64_t begun, uint64_t total,
	int64_t now_us)
{
	AUTO(buf) text = {0};
	struct buf cut; /* over label_, which stays */

	*p = (struct progress){.stream_ = stream,
		.total_ = total,
		.begun_ = begun,
		.started_us_ = now_us,
		.drawn_us_ = now_us,
		.spoken_ = percent(begun, total) / 10};
	terminal_of(stream, &p->terminal_);
	buf_init(&text, 4096);
	text_clean(&text, label);
	buf_init_fixed(&cut, p->label_, sizeof(p->label_));
	text_cut(&cut, buf_span(&text), LABEL_MOST);
	add_sample(p, begun, now_us);
}

void progress_update(struct progress *p, uint64_t bytes, int64_t now_us)
{
	if (!p->terminal_.tty)
		speak(p, bytes, now_us);
	else if (now_us - p->drawn_us_ >= REDRAW_US)
		draw(p, bytes, now_us);
	add_sample(p, bytes, now_us);
}

void progress_finish(struct progress *p, bool ok, uint64_t bytes, int64_t now_us)
{
	char memory[FIXED_SIZE];
	AUTO(buf) line = {0};
	int64_t took = MAX(now_us - p->started_us_, 1);

	if (p->on_line_)
		fputs(ok ? "\r\033[K" : "\n", p->stream_);
	if (ok) {
		buf_init_fixed(&line, memory, sizeof(memory));
		humane_size(&line, p->total_);
		buf_add_str(&line, " in ");
		humane_duration(&line, took);
		if (bytes > p->begun_ && took > 10 * TIME_MS) {
			buf_add_str(&line, " (");
			humane_rate(&line,
				(uint64_t)((double)(bytes - p->begun_) * 1e6 / (double)took));
			buf_add_byte(&line, ')');
		}
		fprintf(p->stream_, "%s: %s\n", p->label_, buf_str(&line));
	}
	fflush(p->stream_);
}
