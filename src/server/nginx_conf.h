#ifndef SLIPWAY_SERVER_NGINX_CONF_H
#define SLIPWAY_SERVER_NGINX_CONF_H

/*
 * Renders deploy/nginx/slipway.conf.template, which is part of the program, with the settings.
 */

#include "base/arena.h"
#include "base/buf.h"

struct conf;

extern const char nginx_conf_template[];

/* What the machine adds to the settings. */
struct nginx_machine {
	unsigned cores;
	uint64_t max_files; /* hard limit on open files */
	/* Path of ngx_http_geoip2_module.so when that and a country database are there, or NULL. */
	const char *geoip_module;
};

/* ERR_BUG when the template names something unknown. Values come checked from conf. */
err nginx_conf_render(struct arena *a, const struct conf *conf, const struct nginx_machine *machine,
	struct buf *out) MUST_USE;

/* The port of the first address of a list such as "0.0.0.0:443 [::]:443". */
span first_port(span addresses);

#endif
