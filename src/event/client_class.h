#ifndef SLIPWAY_EVENT_CLIENT_CLASS_H
#define SLIPWAY_EVENT_CLIENT_CLASS_H

/*
 * What a User-Agent says of a client, coarse enough to say nothing of a person: operating system,
 * kind of device, and the program with its version (of a browser: the major version only). Pure.
 */

#include "base/span.h"

#define CLIENT_VERSION_SIZE 64

struct client_class {
	const char *os;     /* "windows", "macos", "linux", "android", "ios", "chromeos" or "" */
	const char *device; /* "desktop", "mobile", "tablet", "tool" or "" */
	char version[CLIENT_VERSION_SIZE]; /* "Firefox/128", "slipway-update/0.1.0" or "" */
};

void client_classify(span agent, struct client_class *ret);

#endif
