#ifndef SLIPWAY_SERVER_NGINX_H
#define SLIPWAY_SERVER_NGINX_H

/*
 * nginx as a child: its module, its configuration, its start. Working directory: the data
 * directory; nginx runs in it, as the account given, and reads nothing outside it but its own
 * program and libraries.
 */

#include <sys/types.h>

#include "base/arena.h"

struct conf;
struct identity;

#define NGINX_CONF     "nginx.conf"
#define NGINX_CONF_NEW "nginx.conf.new"
#define NGINX_MODULE   "ngx_http_slipway_module.so"
/* Debian's place for modules. */
#define NGINX_MODULES      "/usr/lib/nginx/modules/"
#define NGINX_GEOIP_MODULE NGINX_MODULES "ngx_http_geoip2_module.so"

/*
 * Copies the module to run/, where nginx's account can load it from. Called with the rights of the
 * start. ERR_NOT_FOUND names the places looked at.
 */
err nginx_module_install(
	struct arena *a, const struct conf *conf, const char **ret_problem) MUST_USE;

/*
 * Renders the configuration, has nginx test it and puts it in place; on failure the old one stays.
 * ERR_NOT_FOUND: there is no nginx; ERR_INVALID: nginx refuses it and *ret_problem says why, with
 * both versions when the module was built for another nginx.
 */
err nginx_configure(struct arena *a, const struct conf *conf, const struct identity *user,
	const char **ret_problem) MUST_USE;

/* Starts the master process; its standard error can be read from *ret_errors until it closes. */
err nginx_start(const struct conf *conf, const struct identity *user, pid_t *ret_pid,
	int *ret_errors) MUST_USE;

/* "nginx: [emerg] bind() failed": what it complained of, without the prefix, in arena a. */
const char *nginx_complaint(struct arena *a, span output);

#endif
