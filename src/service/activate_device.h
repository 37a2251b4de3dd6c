#ifndef SLIPWAY_SERVICE_ACTIVATE_DEVICE_H
#define SLIPWAY_SERVICE_ACTIVATE_DEVICE_H

/* A licence key and a machine become a device with credentials. */

#include "service/issue_tokens.h"

struct activation {
	span licence_key; /* as typed */
	span name, os, arch;
	span fingerprint; /* what the client knows its machine by; only a keyed hash is kept */
};

/*
 * The key is the credential: the caller may be anonymous. Idempotent: the same licence and
 * fingerprint are the same device, with fresh tokens and its earlier session ended. A device that
 * was revoked stays out. However many activate at once, a licence never has more active devices
 * than it allows.
 */
err activate_device(struct task *t, const struct activation *a, span *ret_device_id,
	struct issued_tokens *ret) MUST_USE;

#endif
