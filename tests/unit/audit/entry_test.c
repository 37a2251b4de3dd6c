/* The documented encodings: of entries, of checkpoints, of the file of checkpoints. */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/checkpoint_file.h"
#include "audit/entry.h"
#include "base/encode.h"

static const struct audit_entry entry = {
	.seq = 2,
	.at_us = INT64_C(1800000000123456),
	.id = SPAN_INIT("aud_1"),
	.actor_kind = SPAN_INIT("account"),
	.actor = SPAN_INIT("acc_1"),
	.action = SPAN_INIT("account.change"),
	.object = SPAN_INIT("acc_\xc3\xa4"),
	.outcome = SPAN_INIT("ok"),
	.ip_prefix = SPAN_INIT(""),
	.request_id = SPAN_INIT("r"),
	.detail = SPAN_INIT("{}"),
};

static void hash_of(const struct audit_entry *e, const uint8_t before[SHA256_SIZE], char ret[65])
{
	uint8_t hash[SHA256_SIZE];
	AUTO(buf) scratch = {0};
	struct buf text;

	buf_init(&scratch, AUDIT_ENTRY_MAX);
	assert_ok(audit_entry_hash(e, before, &scratch, hash));
	buf_init_fixed(&text, ret, 65);
	hex_encode(&text, span_of(hash, sizeof(hash)));
}

/*
 * Computed apart from this program:
 *   python3 -c 'import hashlib,struct as s; t=["aud_1","account","acc_1","account.change","acc_ä",
 *   "ok","","r","{}"]; m=b"slipway-audit-v1\n"+b"\x07"*32+s.pack(">qq",2,1800000000123456)
 *   +b"".join(s.pack(">I",len(x.encode()))+x.encode() for x in t);
 *   print(hashlib.sha256(m).hexdigest())'
 */
static void hash_is_the_documented_one(void **state UNUSED)
{
	uint8_t before[SHA256_SIZE];
	char hex[65];

	memset(before, 7, sizeof(before));
	hash_of(&entry, before, hex);
	assert_string_equal(
		hex, "a1a8f59c6a5e72d4cb4df71138a01c8cfa2aca56d2da4a535ec73fa1e3646b8b");
}

static void every_member_counts(void **state UNUSED)
{
	uint8_t before[SHA256_SIZE] = {0};
	char hex[65], other[65];

	hash_of(&entry, before, hex);
	for (int member = 0; member < 12; member++) {
		struct audit_entry e = entry;
		span *const texts[] = {&e.id, &e.actor_kind, &e.actor, &e.action, &e.object,
			&e.outcome, &e.ip_prefix, &e.request_id, &e.detail};
		uint8_t changed[SHA256_SIZE] = {0};

		if (member < 9)
			*texts[member] = SPAN("else");
		e.seq += member == 9;
		e.at_us += member == 10;
		changed[31] = member == 11;
		hash_of(&e, changed, other);
		assert_string_not_equal(hex, other);
	}
}

/* A character moved from one member to the next makes other bytes. */
static void borders_count(void **state UNUSED)
{
	struct audit_entry a = entry, b = entry;
	uint8_t before[SHA256_SIZE] = {0};
	char hex[65], other[65];

	a.actor = SPAN("acc_12");
	a.action = SPAN("3");
	b.actor = SPAN("acc_1");
	b.action = SPAN("23");
	hash_of(&a, before, hex);
	hash_of(&b, before, other);
	assert_string_not_equal(hex, other);
}

static struct checkpoint signed_checkpoint(struct eckey *key, int64_t seq)
{
	struct checkpoint c = {
		.incarnation = 3, .seq = seq, .at_us = INT64_C(1800000000123456), .hash = {1, 2}};

	assert_ok(checkpoint_sign(&c, key, "kid-1"));
	return c;
}

static void checkpoints_round(void **state UNUSED)
{
	AUTO_PTR(eckey) key = NULL;
	AUTO_PTR(eckey) other = NULL;
	AUTO(buf) line = {0};
	struct checkpoint back;

	assert_ok(eckey_generate(&key));
	assert_ok(eckey_generate(&other));
	struct checkpoint c = signed_checkpoint(key, 7);

	buf_init(&line, CHECKPOINT_LINE_MAX);
	checkpoint_format(&c, &line);
	assert_ok(buf_error(&line));
	assert_ok(checkpoint_parse(buf_span(&line), &back));
	assert_memory_equal(&c, &back, sizeof(c));
	assert_ok(checkpoint_check(&back, key));
	assert_int_equal(checkpoint_check(&back, other), ERR_DENIED);
	for (int member = 0; member < 4; member++) {
		back = c;
		back.incarnation += member == 0;
		back.seq += member == 1;
		back.at_us += member == 2;
		back.hash[31] ^= member == 3;
		assert_int_equal(checkpoint_check(&back, key), ERR_DENIED);
	}
}

#define HASH "\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\""
#define REST                                                                                       \
	"\"at\":\"2026-01-01T00:00:00Z\",\"kid\":\"k\",\"signature\":\"AAAAAAAAAAAAAAAAAAAAAAAAA"  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

static void bad_lines(void **state UNUSED)
{
	static const char *const rows[] = {"", "{}", "null", "[]", "not json",
		"{\"incarnation\":1,\"seq\":1," HASH "," REST,
		"{\"incarnation\":1,\"seq\":0," HASH "," REST "}",
		"{\"incarnation\":1,\"seq\":-1," HASH "," REST "}",
		"{\"incarnation\":-1,\"seq\":1," HASH "," REST "}",
		"{\"incarnation\":1,\"seq\":\"1\"," HASH "," REST "}",
		"{\"incarnation\":1,\"seq\":1,\"hash\":\"00\"," REST "}",
		"{\"incarnation\":1,\"seq\":1," HASH "," REST ",\"more\":1}",
		"{\"incarnation\":1,\"seq\":1,\"seq\":1," REST "}",
		"{\"incarnation\":1,\"seq\":1," HASH "," REST "} {}",
		"{\"incarnation\":1,\"seq\":1," HASH
		",\"at\":\"2026-01-01T00:00:00Z\",\"kid\":\"../../etc/x\",\"signature\":\"AA\"}"};
	struct checkpoint c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(checkpoint_parse(span_from(rows[i]), &c) == ERR_INVALID, rows[i]);
	assert_ok(
		checkpoint_parse(span_from("{\"incarnation\":1,\"seq\":1," HASH "," REST "}"), &c));
}

struct lines {
	unsigned good, bad;
	int64_t last;
};

static err count_line(void *ctx, unsigned line UNUSED, const struct checkpoint *c)
{
	struct lines *l = ctx;

	l->good += c != NULL;
	l->bad += c == NULL;
	l->last = c ? c->seq : l->last;
	return OK;
}

static void append_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A crash in the middle of a line, then more; a line that somebody spoiled. */
static void files(void **state UNUSED)
{
	char dir[] = "/tmp/slipway-checkpoints-XXXXXX", path[64];
	AUTO_PTR(eckey) key = NULL;
	struct checkpoint_file *f;
	struct checkpoint last, c;
	struct lines l = {0};
	struct stat st;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/c.jsonl", dir);
	assert_int_equal(checkpoint_file_read(path, count_line, &l), ERR_NOT_FOUND);
	assert_ok(eckey_generate(&key));
	for (int64_t seq = 1; seq <= 30; seq++) {
		assert_ok(checkpoint_file_open(path, &f, &last));
		assert_int_equal(last.seq, seq - 1);
		c = signed_checkpoint(key, seq);
		assert_ok(checkpoint_file_append(f, &c));
		checkpoint_file_close(f);
		append_text(path, "{\"incarnation\":1,\"seq");
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640 & 0777);
	assert_ok(checkpoint_file_read(path, count_line, &l)); /* the torn one is left out */
	assert_int_equal(l.good, 30);
	assert_int_equal(l.bad, 0);
	assert_int_equal(l.last, 30);
	append_text(path, "x\n");
	l = (struct lines){0};
	assert_ok(checkpoint_file_read(path, count_line, &l));
	assert_int_equal(l.bad, 1);
	assert_ok(checkpoint_file_open(path, &f, &last));
	assert_int_equal(last.seq, 0);
	checkpoint_file_close(f);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_the_documented_one),
		cmocka_unit_test(every_member_counts),
		cmocka_unit_test(borders_count),
		cmocka_unit_test(checkpoints_round),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
