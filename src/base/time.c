/*
 * Calendar arithmetic without the C library's (which asks the environment for a time zone). Hard
 * rule: what is formatted here parses to the same time.
 */
#include "base/time.h"

#include "base/banned.h"

#define MAX_DURATION (INT64_C(36525) * TIME_DAY)

static const char month_names[][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

struct date {
	unsigned year, month, day; /* month and day from 1 */
};

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/*
 * Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last and
 * month lengths follow (153 m + 2) / 5; 400 years have 146097 days.
 */
static int64_t days_from_date(struct date d)
{
	unsigned year = d.month > 2 ? d.year : d.year - 1;
	unsigned era = year / 400, year_of_era = year % 400;
	unsigned day_of_year =
		(153 * (d.month > 2 ? d.month - 3 : d.month + 9) + 2) / 5 + d.day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (int64_t)era * 146097 + day_of_era - 719468;
}

/* The reverse, for days ≥ 0. */
static struct date date_from_days(int64_t days)
{
	uint64_t shifted = (uint64_t)days + 719468;
	unsigned era = (unsigned)(shifted / 146097), day_of_era = (unsigned)(shifted % 146097);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153; /* from March */
	unsigned day = day_of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	return (struct date){era * 400 + year_of_era + (month <= 2), month, day};
}

void time_format(struct buf *out, int64_t t)
{
	if (t < 0 || t > TIME_MAX) {
		buf_fail(out, ERR_INVALID);
		return;
	}
	struct date d = date_from_days(t / TIME_DAY);
	int64_t second = t % TIME_DAY / TIME_SECOND, fraction = t % TIME_SECOND;

	buf_addf(out, "%04u-%02u-%02uT%02d:%02d:%02d", d.year, d.month, d.day, (int)(second / 3600),
		(int)(second / 60 % 60), (int)(second % 60));
	if (fraction)
		buf_addf(out, ".%06d", (int)fraction);
	buf_add_byte(out, 'Z');
}

void time_format_http(struct buf *out, int64_t t)
{
	if (t < 0 || t > TIME_MAX) {
		buf_fail(out, ERR_INVALID);
		return;
	}
	struct date d = date_from_days(t / TIME_DAY);
	int64_t second = t % TIME_DAY / TIME_SECOND;

	buf_addf(out, "%s, %02u %s %04u %02d:%02d:%02d GMT", day_names[t / TIME_DAY % 7], d.day,
		month_names[d.month - 1], d.year, (int)(second / 3600), (int)(second / 60 % 60),
		(int)(second % 60));
}

/* Takes exactly n digits from the start of *s. */
static bool take_digits(span *s, size_t n, unsigned *ret)
{
	uint64_t value;

	if (s->len < n || span_to_u64(span_sub(*s, 0, n), UINT32_MAX, &value))
		return false;
	*s = span_from_offset(*s, n);
	*ret = (unsigned)value;
	return true;
}

static bool take_byte(span *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = span_from_offset(*s, 1);
	return true;
}

static bool take_date(span *s, int64_t *ret_us)
{
	struct date d;

	if (!take_digits(s, 4, &d.year) || !take_byte(s, '-') || !take_digits(s, 2, &d.month) ||
		!take_byte(s, '-') || !take_digits(s, 2, &d.day))
		return false;
	if (d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1 ||
		d.day > days_in_month(d.year, d.month))
		return false;
	*ret_us = days_from_date(d) * TIME_DAY;
	return true;
}

/* ".123456789": digits beyond microseconds are checked and cut off. */
static bool take_fraction(span *s, int64_t *ret_us)
{
	int64_t us = 0, unit = TIME_SECOND / 10;
	size_t digits = 0;

	for (; digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9'; digits++) {
		us += (s->ptr[digits] - '0') * unit;
		unit /= 10;
	}
	*s = span_from_offset(*s, digits);
	*ret_us = us;
	return digits > 0;
}

/* "Z" or "+hh:mm"; ret_us is what must be subtracted to reach UTC. */
static bool take_offset(span *s, int64_t *ret_us)
{
	unsigned hour, minute;
	bool west = s->len && s->ptr[0] == '-';

	*ret_us = 0;
	if (take_byte(s, 'Z') || take_byte(s, 'z'))
		return true;
	if (!take_byte(s, west ? '-' : '+') || !take_digits(s, 2, &hour) || !take_byte(s, ':') ||
		!take_digits(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret_us = (west ? -1 : 1) * (hour * TIME_HOUR + minute * TIME_MINUTE);
	return true;
}

err time_parse(span text, int64_t *ret)
{
	unsigned hour, minute, second;
	int64_t day_us, fraction = 0, offset;

	if (!take_date(&text, &day_us) || (!take_byte(&text, 'T') && !take_byte(&text, 't')))
		return ERR_INVALID;
	if (!take_digits(&text, 2, &hour) || !take_byte(&text, ':') ||
		!take_digits(&text, 2, &minute) || !take_byte(&text, ':') ||
		!take_digits(&text, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return ERR_INVALID;
	if (take_byte(&text, '.') && !take_fraction(&text, &fraction))
		return ERR_INVALID;
	if (!take_offset(&text, &offset) || text.len)
		return ERR_INVALID;
	int64_t t = day_us + hour * TIME_HOUR + minute * TIME_MINUTE + second * TIME_SECOND +
		    fraction - offset;

	/* A leap second ends a UTC day (RFC 3339 section 5.7); it is counted as the next second. */
	if (second == 60 && t % TIME_DAY >= TIME_SECOND)
		return ERR_INVALID;
	if (t < 0 || t > TIME_MAX)
		return ERR_INVALID;
	*ret = t;
	return OK;
}

err time_parse_date_or_time(span text, int64_t *ret)
{
	int64_t day_us;
	span rest = text;

	if (!take_date(&rest, &day_us) || rest.len)
		return time_parse(text, ret);
	*ret = day_us;
	return OK;
}

struct unit {
	span name;
	int64_t us;
};

/* Largest first: duration_format takes the first that divides. */
static const struct unit units[] = {
	{SPAN_INIT("w"), 7 * TIME_DAY},
	{SPAN_INIT("d"), TIME_DAY},
	{SPAN_INIT("h"), TIME_HOUR},
	{SPAN_INIT("m"), TIME_MINUTE},
	{SPAN_INIT("s"), TIME_SECOND},
	{SPAN_INIT("ms"), TIME_MS},
	{SPAN_INIT("us"), 1},
};

err duration_parse(span text, int64_t *ret_us)
{
	size_t digits = 0;
	uint64_t n;
	int64_t unit = 0;

	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	span name = span_from_offset(text, digits);

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (span_eq(name, units[i].name))
			unit = units[i].us;
	if (name.len == 0)
		unit = TIME_SECOND;
	if (unit == 0 ||
		span_to_u64(span_sub(text, 0, digits), (uint64_t)(MAX_DURATION / unit), &n))
		return ERR_INVALID;
	*ret_us = (int64_t)n * unit;
	return OK;
}

void duration_format(struct buf *out, int64_t us)
{
	if (us < 0) {
		buf_fail(out, ERR_INVALID);
		return;
	}
	if (us == 0) {
		buf_add(out, SPAN("0s"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (us % units[i].us)
			continue;
		buf_add_i64(out, us / units[i].us);
		buf_add(out, units[i].name);
		return;
	}
}
