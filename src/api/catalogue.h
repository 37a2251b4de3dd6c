#ifndef SLIPWAY_API_CATALOGUE_H
#define SLIPWAY_API_CATALOGUE_H

/* What the handlers of the catalogue share: parts of answers. */

#include "api/api.h"
#include "catalog/types.h"

/* Members of the schemas "release" (but the notes) and "package", into the object that is open. */
void write_release(struct request *rq, const struct release *r);
void write_package(struct request *rq, const struct package *p);

#endif
