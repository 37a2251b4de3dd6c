/*
 * Parameters of an update check. Known ones are checked strictly, the detail names the one that is
 * wrong; unknown ones are ignored, so that newer clients can talk to older servers.
 */
#include "slipway.h"

#include "base/encode.h"

#include "base/banned.h"

#define PRODUCT_MAX    128
#define PLATFORM_MAX   64
#define FORMAT_MAX     32
#define OS_VERSION_MAX 64

struct parameter {
	span name;
	/* NULL when the value is good, else the detail for the client. */
	const char *(*read)(span value, struct slipway_check_args *to);
	bool required;
	bool plus_stays; /* '+' is a plus, not a space: versions have one, and never a space */
};

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static const char *read_product(span v, struct slipway_check_args *to)
{
	if (v.len == 0 || v.len > PRODUCT_MAX || !span_is_utf8(v))
		return "product: the name of a product is needed.";
	to->product = v;
	return NULL;
}

static const char *read_version(span v, struct slipway_check_args *to)
{
	if (v.len > SEMVER_MAX_BYTES || semver_parse(v, &to->installed))
		return "version: the installed version is needed, as in semver.org 2.0.0 "
		       "(1.2.3, 1.2.3-beta.1).";
	to->version = v;
	return NULL;
}

static const char *read_platform(span v, struct slipway_check_args *to)
{
	size_t dash = span_find(v, '-');
	bool good = v.len <= PLATFORM_MAX && dash > 0 && dash + 1 < v.len;

	for (size_t i = 0; i < v.len; i++)
		good = good && (is_lower_or_digit(v.ptr[i]) || v.ptr[i] == '_' || v.ptr[i] == '-');
	if (!good)
		return "platform: system and architecture are needed, as in linux-x86_64.";
	to->platform = v;
	return NULL;
}

static const char *read_channel(span v, struct slipway_check_args *to)
{
	return channel_from_name(v, &to->channel) ? NULL : "channel: must be stable, beta or dev.";
}

static const char *read_format(span v, struct slipway_check_args *to)
{
	bool good = v.len > 0 && v.len <= FORMAT_MAX;

	for (size_t i = 0; i < v.len; i++)
		good = good && (is_lower_or_digit(v.ptr[i]) || v.ptr[i] == '.' || v.ptr[i] == '-' ||
				       v.ptr[i] == '_');
	if (!good)
		return "format: must be the name of a package format, as in deb.";
	to->format = v;
	return NULL;
}

static const char *read_cohort(span v, struct slipway_check_args *to)
{
	uint64_t n;

	if (span_to_u64(v, UPDATE_COHORTS - 1, &n))
		return "cohort: must be a number from 0 to 65535.";
	to->cohort = (uint32_t)n;
	to->has_cohort = true;
	return NULL;
}

static const char *read_counted(span v, struct slipway_check_args *to)
{
	if (!span_is(v, "none") && !span_is(v, "day") && !span_is(v, "week") &&
		!span_is(v, "month"))
		return "last_counted: must be none, day, week or month.";
	to->counted = v;
	return NULL;
}

static const char *read_os_version(span v, struct slipway_check_args *to)
{
	bool good = v.len > 0 && v.len <= OS_VERSION_MAX;

	for (size_t i = 0; i < v.len; i++)
		good = good && ((v.ptr[i] >= '0' && v.ptr[i] <= '9') || v.ptr[i] == '.');
	if (!good)
		return "os_version: must be numbers with dots between, as in 10.0.19045.";
	to->os_version = v;
	return NULL;
}

static const char *read_pin(span v, struct slipway_check_args *to)
{
	if (v.len > SEMVER_RANGE_MAX || semver_range_check(v))
		return "pin: must be a version or a range of versions, as in 2.x or >=2.1 <3.";
	to->pin = v;
	return NULL;
}

static const char *read_manual(span v, struct slipway_check_args *to)
{
	to->manual = span_is(v, "true") || span_is(v, "1");
	return to->manual || span_is(v, "false") || span_is(v, "0")
		       ? NULL
		       : "manual: must be true or false.";
}

static const struct parameter parameters[] = {
	{SPAN_INIT("product"), read_product, true, false},
	{SPAN_INIT("version"), read_version, true, true},
	{SPAN_INIT("platform"), read_platform, true, false},
	{SPAN_INIT("channel"), read_channel, false, false},
	{SPAN_INIT("format"), read_format, false, false},
	{SPAN_INIT("cohort"), read_cohort, false, false},
	{SPAN_INIT("last_counted"), read_counted, false, false},
	{SPAN_INIT("os_version"), read_os_version, false, false},
	{SPAN_INIT("pin"), read_pin, false, false},
	{SPAN_INIT("manual"), read_manual, false, false},
};

static ngx_int_t find_parameter(span name)
{
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (span_eq(name, parameters[i].name))
			return (ngx_int_t)i;
	return NGX_DECLINED;
}

/* The value with its escapes undone; as it stands where it has none. False for a bad escape. */
static bool decode(ngx_http_request_t *r, const struct parameter *p, span raw, span *ret)
{
	bool has_plus = !p->plus_stays && span_find(raw, '+') < raw.len;
	struct buf out;

	if (!has_plus && span_find(raw, '%') == raw.len) {
		*ret = raw;
		return true;
	}
	char *sent = ngx_pnalloc(r->pool, 2 * raw.len + 1);

	if (!sent)
		return false;
	/* first the spaces: a decoded %2B is a plus */
	for (size_t i = 0; i < raw.len; i++)
		sent[i] = has_plus && raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
	buf_init_fixed(&out, sent + raw.len, raw.len + 1);
	if (percent_decode(&out, span_of(sent, raw.len)) || buf_error(&out))
		return false;
	*ret = buf_span(&out);
	return true;
}

static const char *problem_with(ngx_http_request_t *r, span name, const char *what)
{
	char text[96];
	struct buf out;

	buf_init_fixed(&out, text, sizeof(text));
	buf_add(&out, name);
	buf_add_str(&out, what);
	span copy = slipway_copy(r, buf_span(&out));

	return copy.ptr ? copy.ptr : what;
}

/* Reads "name=value"; NULL when there is nothing wrong with it. */
static const char *read_part(
	ngx_http_request_t *r, span part, uint32_t *seen, struct slipway_check_args *to)
{
	size_t equals = span_find(part, '=');
	ngx_int_t at = find_parameter(span_sub(part, 0, equals));
	span value;

	if (at == NGX_DECLINED)
		return NULL;
	const struct parameter *p = &parameters[at];

	if (*seen & 1u << at)
		return problem_with(r, p->name, ": given twice.");
	*seen |= 1u << at;
	if (!decode(r, p, span_from_offset(part, equals + 1), &value))
		return problem_with(r, p->name, ": the value is badly encoded.");
	return p->read(value, to);
}

ngx_int_t slipway_check_args(
	ngx_http_request_t *r, struct slipway_check_args *ret, const char **ret_detail)
{
	span rest = span_of_str(r->args), part;
	const char *detail = NULL;
	uint32_t seen = 0;

	*ret = (struct slipway_check_args){.channel = CHANNEL_STABLE, .counted = SPAN_EMPTY};
	while (!detail && rest.len && span_cut(&rest, '&', &part))
		detail = read_part(r, part, &seen, ret);
	for (size_t i = 0; i < ARRAY_LEN(parameters) && !detail; i++)
		if (parameters[i].required && !(seen & 1u << i))
			detail = parameters[i].read(SPAN_EMPTY, ret);
	if (!detail)
		return NGX_OK;
	*ret_detail = detail;
	return NGX_DECLINED;
}
