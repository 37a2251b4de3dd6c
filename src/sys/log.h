#ifndef SLIPWAY_SYS_LOG_H
#define SLIPWAY_SYS_LOG_H

/*
 * The structured log: one JSON object per line on a file descriptor (standard error by default),
 * written with a single write(). Members: time, level, component, message, then the fields given.
 * Each failure is logged once, by the layer that knows what it means. Secrets have no way in: there
 * is no field type for them. Values are escaped, so a line can never be forged. Any thread.
 *
 *     log_warn("login refused", LOG_STR("account", id), LOG_INT("attempts", n));
 */

#include "base/span.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

struct log_field {
	const char *name;
	enum { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_FLAG } type;
	span text;
	int64_t number;
};

#define LOG_SPAN(name, s)   ((struct log_field){name, LOG_FIELD_TEXT, (s), 0})
#define LOG_STR(name, text) ((struct log_field){name, LOG_FIELD_TEXT, span_from(text), 0})
#define LOG_INT(name, n)    ((struct log_field){name, LOG_FIELD_NUMBER, {0}, (n)})
#define LOG_FLAG(name, b)   ((struct log_field){name, LOG_FIELD_FLAG, {0}, (b)})
#define LOG_ERR(e)          LOG_STR("error", err_name(e))

#define LOG_(level, message, ...)                                                                  \
	log_write(level, message, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(message, ...) LOG_(LOG_DEBUG_LEVEL, message, __VA_ARGS__)
#define log_info(message, ...)  LOG_(LOG_INFO_LEVEL, message, __VA_ARGS__)
#define log_warn(message, ...)  LOG_(LOG_WARN_LEVEL, message, __VA_ARGS__)
#define log_error(message, ...) LOG_(LOG_ERROR_LEVEL, message, __VA_ARGS__)

void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* To be called before threads start. component: "control", "tailer" …; keeps it. */
void log_init(const char *component, enum log_level least, int fd);
/* Adds "request_id" to every line of this thread until set to the empty span; copies. */
void log_set_request(span request_id);
/*
 * For a thread that does a part of another's work: what the other one's log_request() gave is in
 * this thread's lines from then on. It is the other thread's memory: to be set back to what this
 * one's log_request() gave before the other goes on.
 */
span log_request(void);
void log_borrow_request(span request_id);
bool log_level_from_name(span name, enum log_level *ret);

#endif
