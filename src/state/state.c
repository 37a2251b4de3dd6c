/*
 * The published state on LMDB: one environment, the unnamed database, one writer process.
 * Hard rule: a batch and the position it leads to are one transaction, so that the position never
 * says more nor less than what the keys hold, whenever the writer dies.
 *
 * Keys that start with NUL belong to this file. They sort before all others, so a walk downwards
 * ends where they begin.
 */
#include "state/state.h"

#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state/records.h"
#include "base/banned.h"

#define MAP_BYTES   ((size_t)64 << 30) /* sparse: only what is written takes space */
#define READERS_MAX 1024               /* nginx workers and threads, each at most a few views */
#define PATH_BYTES  4096

#define POSITION_BYTES 25 /* format, incarnation, seq, issued_at */

static const span position_key = SPAN_INIT("\0position");

struct state {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *_Atomic idle; /* a read transaction without a snapshot, or NULL: see state_end() */
	dev_t device;          /* of data.mdb as it was opened */
	ino_t inode;
	char data_path[PATH_BYTES];
};

static err err_from_mdb(int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return OK;
	case MDB_NOTFOUND:
		return ERR_NOT_FOUND;
	case MDB_MAP_FULL:
		return ERR_NO_SPACE;
	case MDB_READERS_FULL:
		return ERR_BUSY;
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE:
		return ERR_TOO_LARGE;
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_PAGE_NOTFOUND:
		return ERR_CORRUPT;
	case EINVAL:
		return ERR_BUG;
	default:
		return code > 0 ? err_from_errno(code) : ERR_IO;
	}
}

static MDB_val val(span s)
{
	/* LMDB does not write through mv_data of keys and of values it is given. */
	union {
		const char *from;
		void *to;
	} pointer = {.from = s.ptr};

	return (MDB_val){.mv_size = s.len, .mv_data = pointer.to};
}

static span span_of_val(const MDB_val *v)
{
	return span_of(v->mv_data, v->mv_size);
}

static bool is_reserved(span key)
{
	return key.len > 0 && key.ptr[0] == '\0';
}

/* ---- opening ---- */

static err path_in(const char *dir, const char *name, char ret[PATH_BYTES])
{
	struct buf path;

	buf_init_fixed(&path, ret, PATH_BYTES);
	buf_add_str(&path, dir);
	buf_add_byte(&path, '/');
	buf_add_str(&path, name);
	return buf_error(&path) ? ERR_INVALID : OK;
}

/*
 * Readers run as another user of the same group and register themselves in the lock file. LMDB
 * gives both files one mode, cut by the umask: hence set here. Files of another owner stay as they
 * are; the owner has set them.
 */
static err set_modes(const char *dir, const char *data_path)
{
	char lock_path[PATH_BYTES];
	err e = path_in(dir, "lock.mdb", lock_path);

	if (e)
		return e;
	if (chmod(data_path, 0640) < 0 && errno != EPERM)
		return err_from_errno(errno);
	if (chmod(lock_path, 0660) < 0 && errno != EPERM)
		return err_from_errno(errno);
	return OK;
}

static err open_database(struct state *s, enum state_mode mode)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(s->env, NULL, mode == STATE_READ ? MDB_RDONLY : 0, &txn);

	if (code)
		return err_from_mdb(code);
	code = mdb_dbi_open(txn, NULL, 0, &s->dbi);
	if (code) {
		mdb_txn_abort(txn);
		return err_from_mdb(code);
	}
	return err_from_mdb(mdb_txn_commit(txn));
}

static err remember_file(struct state *s)
{
	struct stat st;

	if (stat(s->data_path, &st) < 0)
		return err_from_errno(errno);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return OK;
}

static err open_environment(struct state *s, const char *dir, enum state_mode mode)
{
	/*
	 * NOTLS: a view belongs to its transaction object, not to the thread. NORDAHEAD: lookups
	 * are scattered, and a state larger than memory must not drag its neighbourhood in.
	 */
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (mode == STATE_READ ? MDB_RDONLY : 0);
	int code = mdb_env_create(&s->env);

	if (!code)
		code = mdb_env_set_mapsize(s->env, MAP_BYTES);
	if (!code)
		code = mdb_env_set_maxreaders(s->env, READERS_MAX);
	if (!code)
		code = mdb_env_open(s->env, dir, flags, 0660);
	if (code)
		return err_from_mdb(code);
	state_check_readers(s);
	return OK;
}

static err open_all(struct state *s, const char *dir, enum state_mode mode)
{
	struct stat st;
	err e = path_in(dir, "data.mdb", s->data_path);

	if (e)
		return e;
	/*
	 * A reader must not be the one who makes the lock file: the writer could not open it. An
	 * empty file is a writer's first moments.
	 */
	if (mode == STATE_READ && stat(s->data_path, &st) < 0)
		return err_from_errno(errno);
	if (mode == STATE_READ && st.st_size == 0)
		return ERR_NOT_FOUND;
	if (mode == STATE_WRITE && mkdir(dir, 0750) < 0 && errno != EEXIST)
		return err_from_errno(errno);
	e = open_environment(s, dir, mode);
	if (!e && mode == STATE_WRITE)
		e = set_modes(dir, s->data_path);
	if (!e)
		e = remember_file(s);
	return e ? e : open_database(s, mode);
}

err state_open(const char *dir, enum state_mode mode, struct state **ret)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	err e = open_all(s, dir, mode);

	if (e) {
		state_close(s);
		return e;
	}
	*ret = s;
	return OK;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	if (s->idle)
		mdb_txn_abort(s->idle);
	if (s->env)
		mdb_env_close(s->env);
	free(s);
}

bool state_is_replaced(const struct state *s)
{
	struct stat st;

	return stat(s->data_path, &st) < 0 || st.st_ino != s->inode || st.st_dev != s->device;
}

/* ---- reading ---- */

err state_begin(struct state *s, struct state_view *ret)
{
	MDB_txn *txn = atomic_exchange(&s->idle, NULL);
	int code = txn ? mdb_txn_renew(txn) : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (code) {
		mdb_txn_abort(txn);
		return err_from_mdb(code);
	}
	*ret = (struct state_view){.state_ = s, .txn_ = txn, .dbi_ = s->dbi};
	return OK;
}

/* The snapshot is let go. The object waits for the next view, in place of one that waits already.
 */
void state_end(struct state_view *v)
{
	if (!v->txn_)
		return;
	mdb_txn_reset(v->txn_);
	mdb_txn_abort(atomic_exchange(&v->state_->idle, v->txn_));
	v->txn_ = NULL;
}

uint64_t state_view_version(const struct state_view *v)
{
	return mdb_txn_id(v->txn_);
}

static bool find(MDB_txn *txn, MDB_dbi dbi, span key, span *ret_value)
{
	MDB_val k = val(key), value;

	if (mdb_get(txn, dbi, &k, &value))
		return false;
	*ret_value = span_of_val(&value);
	return true;
}

bool state_find(const struct state_view *v, span key, span *ret_value)
{
	return !is_reserved(key) && find(v->txn_, v->dbi_, key, ret_value);
}

err state_walk_begin(const struct state_view *v, span prefix, struct state_walk *ret)
{
	MDB_cursor *cursor;

	if (prefix.len > STATE_KEY_MAX)
		return ERR_INVALID;
	int code = mdb_cursor_open(v->txn_, v->dbi_, &cursor);

	if (code)
		return err_from_mdb(code);
	*ret = (struct state_walk){.cursor_ = cursor, .prefix_ = prefix};
	return OK;
}

/* The least key above all that start with prefix; false when there is none (nothing, or all FF). */
static bool successor(span prefix, char memory[STATE_KEY_MAX], span *ret)
{
	while (prefix.len && (unsigned char)prefix.ptr[prefix.len - 1] == 0xff)
		prefix.len--;
	if (prefix.len == 0)
		return false;
	memcpy(memory, prefix.ptr, prefix.len);
	memory[prefix.len - 1]++;
	*ret = span_of(memory, prefix.len);
	return true;
}

static int seek_last(MDB_cursor *cursor, span prefix, MDB_val *key, MDB_val *value)
{
	char memory[STATE_KEY_MAX];
	span above;

	if (successor(prefix, memory, &above)) {
		*key = val(above);
		int code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);

		if (code != MDB_NOTFOUND)
			return code ? code : mdb_cursor_get(cursor, key, value, MDB_PREV);
	}
	return mdb_cursor_get(cursor, key, value, MDB_LAST);
}

bool state_walk_previous(struct state_walk *w, span *ret_key, span *ret_value)
{
	MDB_val key, value;

	if (!w->cursor_)
		return false;
	int code = w->started_ ? mdb_cursor_get(w->cursor_, &key, &value, MDB_PREV)
			       : seek_last(w->cursor_, w->prefix_, &key, &value);

	w->started_ = true;
	if (code || is_reserved(span_of_val(&key)) ||
		!span_starts_with(span_of_val(&key), w->prefix_)) {
		state_walk_end(w);
		return false;
	}
	*ret_key = span_of_val(&key);
	*ret_value = span_of_val(&value);
	return true;
}

void state_walk_end(struct state_walk *w)
{
	if (w->cursor_)
		mdb_cursor_close(w->cursor_);
	w->cursor_ = NULL;
}

static void put_u64(char *to, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		to[i] = (char)(n >> (8 * i));
}

static uint64_t get_u64(const char *from)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | (unsigned char)from[i];
	return n;
}

static struct state_position read_position(MDB_txn *txn, MDB_dbi dbi)
{
	struct state_position p = {0};
	span value;

	/* A position nobody can read is none: the feed then starts over. */
	if (!find(txn, dbi, position_key, &value) || value.len != POSITION_BYTES ||
		value.ptr[0] != 1)
		return p;
	p.incarnation = get_u64(value.ptr + 1);
	p.seq = get_u64(value.ptr + 9);
	p.issued_at_us = (int64_t)get_u64(value.ptr + 17);
	return p;
}

void state_position(const struct state_view *v, struct state_position *ret)
{
	*ret = read_position(v->txn_, v->dbi_);
}

/* ---- writing ---- */

static int write_position(MDB_txn *txn, MDB_dbi dbi, const struct state_position *p)
{
	char bytes[POSITION_BYTES] = {1};
	MDB_val key = val(position_key), value = {sizeof(bytes), bytes};

	put_u64(bytes + 1, p->incarnation);
	put_u64(bytes + 9, p->seq);
	put_u64(bytes + 17, (uint64_t)p->issued_at_us);
	return mdb_put(txn, dbi, &key, &value, 0);
}

static err check_changes(const struct state_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i].key.len == 0 || is_reserved(changes[i].key))
			return ERR_INVALID;
		if (changes[i].key.len > STATE_KEY_MAX ||
			(!changes[i].deleted && changes[i].value.len > STATE_VALUE_MAX))
			return ERR_TOO_LARGE;
	}
	return OK;
}

static int write_change(MDB_txn *txn, MDB_dbi dbi, const struct state_change *c)
{
	MDB_val key = val(c->key), value = val(c->value);

	if (!c->deleted)
		return mdb_put(txn, dbi, &key, &value, 0);
	int code = mdb_del(txn, dbi, &key, NULL);

	return code == MDB_NOTFOUND ? 0 : code;
}

enum step { STEP_NONE, STEP_CHANGES, STEP_REPLACE, STEP_CONFLICT };

/* What a batch from → to means to a state that stands at `at`. */
static enum step judge(const struct state_position *at, const struct state_position *from,
	const struct state_position *to, size_t count)
{
	if (to->incarnation == at->incarnation && to->seq <= at->seq) {
		/* The heartbeat of a quiet feed: nothing new, but known to be so until later. */
		bool heartbeat =
			count == 0 && to->seq == at->seq && to->issued_at_us > at->issued_at_us;

		return heartbeat ? STEP_CHANGES : STEP_NONE;
	}
	if (from->seq == 0)
		return STEP_REPLACE;
	if (from->incarnation != at->incarnation || from->seq != at->seq)
		return STEP_CONFLICT;
	return STEP_CHANGES;
}

static int write_batch(MDB_txn *txn, MDB_dbi dbi, bool replace, const struct state_position *to,
	const struct state_change *changes, size_t count)
{
	int code = replace ? mdb_drop(txn, dbi, 0) : 0;

	for (size_t i = 0; i < count && !code; i++)
		code = write_change(txn, dbi, &changes[i]);
	return code ? code : write_position(txn, dbi, to);
}

err state_apply(struct state *s, const struct state_position *from, const struct state_position *to,
	const struct state_change *changes, size_t count)
{
	MDB_txn *txn;
	err e = to->seq < from->seq ? ERR_INVALID : check_changes(changes, count);

	if (e)
		return e;
	int code = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (code)
		return err_from_mdb(code);
	struct state_position at = read_position(txn, s->dbi);
	enum step step = judge(&at, from, to, count);

	if (step == STEP_NONE || step == STEP_CONFLICT) {
		mdb_txn_abort(txn);
		return step == STEP_NONE ? OK : ERR_CONFLICT;
	}
	code = write_batch(txn, s->dbi, step == STEP_REPLACE, to, changes, count);
	if (code) {
		mdb_txn_abort(txn);
		return err_from_mdb(code);
	}
	return err_from_mdb(mdb_txn_commit(txn));
}

void state_check_readers(struct state *s)
{
	int dead;

	(void)mdb_reader_check(s->env, &dead); /* housekeeping: the next call tries again */
}
