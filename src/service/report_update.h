#ifndef SLIPWAY_SERVICE_REPORT_UPDATE_H
#define SLIPWAY_SERVICE_REPORT_UPDATE_H

#include "service/service.h"

/* Choices of `stage`. */
#define UPDATE_STAGES "downloaded installed alive failed rolled_back"

struct update_report {
	span release_id;
	span device; /* a device id, or a name an anonymous client chose for itself */
	span stage, error;
};

/*
 * Records what became of a release on a device; the same stage again replaces its error. The id of
 * a device is accepted from that device only.
 */
err report_update(struct task *t, const struct update_report *r) MUST_USE;

#endif
