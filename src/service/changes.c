/* Hard rule: values are written as they are stored; secrets have no function that would. */
#include "service/changes.h"

#include "base/banned.h"

void changes_begin(struct changes *c)
{
	buf_init(&c->text_, CHANGES_MAX);
	json_writer_init(&c->out_, &c->text_);
	json_begin_object(&c->out_, NULL);
}

void changes_text(struct changes *c, const char *member, span before, span after)
{
	if (span_eq(before, after))
		return;
	json_begin_object(&c->out_, member);
	json_str(&c->out_, "from", before);
	json_str(&c->out_, "to", after);
	json_end(&c->out_);
}

void changes_int(struct changes *c, const char *member, int64_t before, int64_t after)
{
	if (before == after)
		return;
	json_begin_object(&c->out_, member);
	json_i64(&c->out_, "from", before);
	json_i64(&c->out_, "to", after);
	json_end(&c->out_);
}

void changes_bool(struct changes *c, const char *member, bool before, bool after)
{
	if (before == after)
		return;
	json_begin_object(&c->out_, member);
	json_bool(&c->out_, "from", before);
	json_bool(&c->out_, "to", after);
	json_end(&c->out_);
}

static void write_time(struct changes *c, const char *key, int64_t time_us)
{
	if (time_us)
		json_time(&c->out_, key, time_us);
	else
		json_nil(&c->out_, key);
}

void changes_time(struct changes *c, const char *member, int64_t before_us, int64_t after_us)
{
	if (before_us == after_us)
		return;
	json_begin_object(&c->out_, member);
	write_time(c, "from", before_us);
	write_time(c, "to", after_us);
	json_end(&c->out_);
}

void changes_secret(struct changes *c, const char *member)
{
	json_cstr(&c->out_, member, "changed");
}

const char *changes_end(struct changes *c, struct arena *a)
{
	json_end(&c->out_);
	const char *text = buf_error(&c->text_) ? "{\"changes\":\"too large\"}"
						: arena_str(a, buf_span(&c->text_));

	buf_done(&c->text_);
	return text;
}
