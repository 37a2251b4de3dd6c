/*
 * Directives, configuration and where the module hooks into nginx. Hard rule: a configuration with
 * which a request could not be answered does not start.
 */
#include "slipway.h"

#include "base/banned.h"

#define TOKEN_CACHE_DEFAULT ((size_t)32 << 20)

static char *set_check(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *set_download(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *set_problem(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#define MAIN_STRING(name, member)                                                                  \
	{                                                                                          \
		ngx_string(name), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,      \
			NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct slipway_main, member), NULL     \
	}
#define LOCATION_FLAG(name, set)                                                                   \
	{                                                                                          \
		ngx_string(name), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set, 0, 0, NULL             \
	}

static ngx_command_t commands[] = {
	MAIN_STRING("slipway_state", state_dir),
	MAIN_STRING("slipway_blobs", blobs_dir),
	MAIN_STRING("slipway_issuer", issuer),
	MAIN_STRING("slipway_audience", audience),
	MAIN_STRING("slipway_pool", pool),
	MAIN_STRING("slipway_edge", edge),
	{ngx_string("slipway_token_cache"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_size_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct slipway_main, token_cache_bytes), NULL},
	{ngx_string("slipway_country"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_http_set_complex_value_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct slipway_main, country), NULL},
	{ngx_string("slipway_plaintext"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_FLAG,
		ngx_conf_set_flag_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(struct slipway_srv, plaintext), NULL},
	LOCATION_FLAG("slipway_update_check", set_check),
	LOCATION_FLAG("slipway_download", set_download),
	LOCATION_FLAG("slipway_problem", set_problem),
	ngx_null_command,
};

static char *set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
	ngx_http_core_loc_conf_t *core =
		ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	struct slipway_main *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_slipway_module);

	core->handler = handler;
	conf->used = true;
	return NGX_CONF_OK;
}

static char *set_check(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	return set_handler(cf, slipway_check_handler);
}

static char *set_download(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	return set_handler(cf, slipway_download_handler);
}

static char *set_problem(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	return set_handler(cf, slipway_problem_handler);
}

static void *create_main_conf(ngx_conf_t *cf)
{
	struct slipway_main *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	if (conf)
		conf->token_cache_bytes = NGX_CONF_UNSET_SIZE;
	return conf;
}

static bool require(ngx_conf_t *cf, const ngx_str_t *value, const char *directive)
{
	if (value->len)
		return true;
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" is missing", directive);
	return false;
}

static ngx_int_t full_path(ngx_conf_t *cf, ngx_str_t *dir)
{
	while (dir->len > 1 && dir->data[dir->len - 1] == '/')
		dir->data[--dir->len] = '\0';
	return ngx_conf_full_name(cf->cycle, dir, 0);
}

static char *init_main_conf(ngx_conf_t *cf, void *pointer)
{
	struct slipway_main *conf = pointer;

	ngx_conf_init_size_value(conf->token_cache_bytes, TOKEN_CACHE_DEFAULT);
	if (!conf->used && conf->state_dir.len == 0)
		return NGX_CONF_OK;
	if (!require(cf, &conf->state_dir, "slipway_state") ||
		!require(cf, &conf->blobs_dir, "slipway_blobs") ||
		!require(cf, &conf->issuer, "slipway_issuer") ||
		!require(cf, &conf->audience, "slipway_audience") ||
		!require(cf, &conf->pool, "slipway_pool"))
		return NGX_CONF_ERROR;
	if (full_path(cf, &conf->state_dir) != NGX_OK || full_path(cf, &conf->blobs_dir) != NGX_OK)
		return NGX_CONF_ERROR;
	conf->used = true;
	return NGX_CONF_OK;
}

static void *create_srv_conf(ngx_conf_t *cf)
{
	struct slipway_srv *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	if (conf)
		conf->plaintext = NGX_CONF_UNSET;
	return conf;
}

static char *merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
	struct slipway_srv *above = parent, *conf = child;

	ngx_conf_merge_value(conf->plaintext, above->plaintext, 0);
	return NGX_CONF_OK;
}

/* Called for each server and location, after the core module's own: their error logs are set. */
static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
	ngx_http_core_loc_conf_t *core =
		ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	struct slipway_main *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_slipway_module);

	/* The main log is not complete yet (error_log may follow http{}): see init_module. */
	if (!conf->used || core->error_log == &cf->cycle->new_log)
		return NGX_CONF_OK;
	return slipway_guard_log(cf->pool, core->error_log) == NGX_OK ? NGX_CONF_OK
								      : NGX_CONF_ERROR;
}

static ngx_int_t add_handler(ngx_http_core_main_conf_t *core, ngx_http_phases phase,
	ngx_http_handler_pt handler, bool first)
{
	ngx_array_t *handlers = &core->phases[phase].handlers;
	ngx_http_handler_pt *slot = ngx_array_push(handlers);

	if (!slot)
		return NGX_ERROR;
	if (first) {
		slot = handlers->elts;
		ngx_memmove(slot + 1, slot, (handlers->nelts - 1) * sizeof(*slot));
	}
	*slot = handler;
	return NGX_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
	ngx_http_core_main_conf_t *core =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	struct slipway_main *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_slipway_module);

	if (!conf->used)
		return NGX_OK;
	/* Log handlers run in the order of the array (unlike others): ours before the access log.
	 */
	if (add_handler(core, NGX_HTTP_POST_READ_PHASE, slipway_scrub_handler, false) != NGX_OK)
		return NGX_ERROR;
	return add_handler(core, NGX_HTTP_LOG_PHASE, slipway_scrub_before_log, true);
}

static struct slipway_main *main_conf_of(ngx_cycle_t *cycle)
{
	struct slipway_main *conf =
		ngx_http_cycle_get_module_main_conf(cycle, ngx_http_slipway_module);

	return conf && conf->used ? conf : NULL;
}

static ngx_int_t init_module(ngx_cycle_t *cycle)
{
	return main_conf_of(cycle) ? slipway_guard_log(cycle->pool, &cycle->new_log) : NGX_OK;
}

/* After the fork: LMDB must not be opened in the master. Cache helpers serve no requests. */
static ngx_int_t init_process(ngx_cycle_t *cycle)
{
	struct slipway_main *conf = main_conf_of(cycle);

	if (!conf || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
		return NGX_OK;
	return slipway_worker_init(cycle, conf);
}

static void exit_process(ngx_cycle_t *cycle)
{
	slipway_worker_exit();
}

static ngx_http_module_t context = {
	slipway_add_variables,
	postconfiguration,
	create_main_conf,
	init_main_conf,
	create_srv_conf,
	merge_srv_conf,
	NULL,
	merge_loc_conf,
};

ngx_module_t ngx_http_slipway_module = {
	NGX_MODULE_V1,
	&context,
	commands,
	NGX_HTTP_MODULE,
	NULL,
	init_module,
	init_process,
	NULL,
	NULL,
	exit_process,
	NULL,
	NGX_MODULE_V1_PADDING,
};
