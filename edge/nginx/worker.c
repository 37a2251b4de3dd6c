/*
 * What one nginx worker keeps: the open published state and the caches. Hard rule: the state is
 * opened after the fork, and no view outlives the call from nginx in which it began.
 */
#include "slipway.h"

#include "base/banned.h"

#define COMPLAIN_EVERY_S 60

static struct {
	const char *dir; /* of the configuration this process serves */
	struct state *state;
	struct token_cache *tokens;
	struct key_cache *keys;
	struct answer_cache *answers;
	time_t looked, complained;
	uint64_t opened; /* states so far */
} worker;

static void complain(err e, const char *what)
{
	if (worker.complained && ngx_time() - worker.complained < COMPLAIN_EVERY_S)
		return;
	worker.complained = ngx_time();
	/* a state that is not there yet is normal at the first start */
	ngx_uint_t level = e == ERR_NOT_FOUND ? NGX_LOG_WARN : NGX_LOG_ERR;

	ngx_log_error(
		level, ngx_cycle->log, 0, "slipway: %s \"%s\": %s", what, worker.dir, err_title(e));
}

static void open_state(void)
{
	err e = state_open(worker.dir, STATE_READ, &worker.state);

	worker.looked = ngx_time();
	if (e) {
		complain(e, "cannot open the published state");
		return;
	}
	worker.complained = 0;
	worker.opened++;
}

/* At most once a second: a state that was missing may be there, an old one may be another now. */
static void look_again(void)
{
	worker.looked = ngx_time();
	if (worker.state && state_is_replaced(worker.state)) {
		state_close(worker.state);
		worker.state = NULL;
	}
	if (!worker.state)
		open_state();
}

ngx_int_t slipway_worker_init(ngx_cycle_t *cycle, struct slipway_main *conf)
{
	worker.dir = (const char *)conf->state_dir.data;
	worker.tokens = token_cache_new(conf->token_cache_bytes);
	worker.keys = key_cache_new();
	worker.answers = answer_cache_new();
	if (!worker.tokens || !worker.keys || !worker.answers) {
		ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "slipway: out of memory");
		return NGX_ERROR;
	}
	open_state();
	return NGX_OK;
}

void slipway_worker_exit(void)
{
	token_cache_free(worker.tokens);
	key_cache_free(worker.keys);
	answer_cache_free(worker.answers);
	state_close(worker.state);
	ngx_memzero(&worker, sizeof(worker));
}

bool slipway_view(struct state_view *ret)
{
	if (ngx_time() != worker.looked)
		look_again();
	if (!worker.state)
		return false;
	err e = state_begin(worker.state, ret);

	if (e)
		complain(e, "cannot read the published state");
	return e == OK;
}

uint64_t slipway_snapshot(const struct state_view *v)
{
	return worker.opened << 48 | state_view_version(v);
}

struct token_cache *slipway_token_cache(void)
{
	return worker.tokens;
}

struct answer_cache *slipway_answer_cache(void)
{
	return worker.answers;
}

struct key_cache *slipway_key_cache(void)
{
	return worker.keys;
}
