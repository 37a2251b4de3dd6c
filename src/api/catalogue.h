#ifndef SLIPWAY_API_CATALOGUE_H
#define SLIPWAY_API_CATALOGUE_H

/* What the handlers of the catalogue share: members of requests, parts of answers. */

#include "api/api.h"
#include "catalog/types.h"

/* Members of requests, ended by FIELD_END. */
extern const struct field new_product_fields[], product_change_fields[], publisher_key_fields[];
extern const struct field new_release_fields[], release_change_fields[], release_query[];
extern const struct field reason_fields[], promote_fields[];
extern const struct field new_package_fields[], package_query[], manifest_query[];

/* A text, or null when it is empty. */
void write_optional(struct request *rq, const char *key, span text);
/* A time, or null when it is 0. */
void write_optional_time(struct request *rq, const char *key, int64_t time_us);
/* Words with spaces between as an array. */
void write_words(struct request *rq, const char *key, span words);
/* Members of the schemas "release" (but the notes) and "package", into the object that is open. */
void write_release(struct request *rq, const struct release *r);
void write_package(struct request *rq, const struct package *p);

#endif
