/*
 * One event, one line, one write(): lines of several threads and processes never mix. Hard rule: a
 * line is whole JSON or it is not written; when the fields do not fit they are left out and the
 * line says so.
 */
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "sys/clock.h"

#include "base/banned.h"

#define LINE_MAX_BYTES  8192
#define TEXT_MAX_BYTES  1024
#define REQUEST_MAX_LEN 64

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static struct {
	const char *component;
	enum log_level least;
	int fd;
} settings = {"slipway", LOG_INFO_LEVEL, STDERR_FILENO};

static _Thread_local char own_request[REQUEST_MAX_LEN];
static _Thread_local span request;

void log_init(const char *component, enum log_level least, int fd)
{
	settings.component = component;
	settings.least = least;
	settings.fd = fd;
}

void log_set_request(span request_id)
{
	request = span_of(own_request, MIN(request_id.len, sizeof(own_request)));
	if (request.len > 0)
		memcpy(own_request, request_id.ptr, request.len);
}

span log_request(void)
{
	return request;
}

void log_borrow_request(span request_id)
{
	request = request_id;
}

bool log_level_from_name(span name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (span_is(name, level_names[i])) {
			*ret = (enum log_level)i;
			return true;
		}
	return false;
}

static void write_field(struct json_writer *w, const struct log_field *f)
{
	switch (f->type) {
	case LOG_FIELD_TEXT:
		json_str(w, f->name, span_sub(f->text, 0, TEXT_MAX_BYTES));
		break;
	case LOG_FIELD_NUMBER:
		json_i64(w, f->name, f->number);
		break;
	case LOG_FIELD_FLAG:
		json_bool(w, f->name, f->number != 0);
		break;
	case LOG_FIELD_END:
		break;
	}
}

static void write_line(
	struct buf *line, enum log_level level, const char *message, const struct log_field *fields)
{
	struct json_writer w;

	json_writer_init(&w, line);
	json_begin_object(&w, NULL);
	json_time(&w, "time", clock_wall_us());
	json_cstr(&w, "level", level_names[level]);
	json_cstr(&w, "component", settings.component);
	json_str(&w, "message", span_sub(span_from(message), 0, TEXT_MAX_BYTES));
	if (request.len > 0)
		json_str(&w, "request_id", request);
	if (fields == NULL)
		json_bool(&w, "truncated", true);
	for (; fields != NULL && fields->type != LOG_FIELD_END; fields++)
		write_field(&w, fields);
	json_end(&w);
	buf_add_byte(line, '\n');
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	char memory[LINE_MAX_BYTES];
	struct buf line;
	ssize_t written;

	if (level < settings.least)
		return;
	buf_init_fixed(&line, memory, sizeof(memory));
	write_line(&line, level, message, fields);
	if (buf_error(&line) != OK) {
		buf_clear(&line);
		write_line(&line, level, message, NULL);
	}
	do
		written = write(settings.fd, buf_str(&line), buf_len(&line));
	while (written < 0 && errno == EINTR);
	/* A log that cannot be written has nowhere to be reported. */
}
