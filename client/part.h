#ifndef SLIPWAY_CLIENT_PART_H
#define SLIPWAY_CLIENT_PART_H

/*
 * A file that is not whole yet: OUTPUT/NAME.part with its bytes, OUTPUT/NAME.part.json with what
 * they are of. The bytes are hashed as they are written; those of an earlier run are read again,
 * so a damaged .part is found out at the end at the latest.
 */

#include "client.h"
#include "crypto/digest.h"

struct part {
	struct arena *arena;
	const char *final_path, *path, *json_path, *folder;
	const char *package_id;
	const char *sha256; /* wanted */
	uint64_t size;      /* wanted */
	int fd;
	uint64_t at; /* bytes there */
	uint64_t resumed_from;
	const char *download_id; /* of the run before, or NULL */
	int64_t spent_ms;        /* by the runs before */
	struct sha256_stream *sha;
	struct blake2b_stream *blake;
};

/*
 * Opens or makes the part of package p in folder and locks it. ERR_BUSY when another run has it.
 * Fails with words. Copies nothing: p and a must outlive it.
 */
err part_open(struct slipway *s, struct arena *a, const struct slipway_package *p,
	const char *folder, struct part *ret) MUST_USE;
/* Closes; the files stay. Accepts what part_open left on failure. */
void part_close(struct part *p);
/* Appends. ERR_CORRUPT beyond the wanted size, ERR_NO_SPACE, ERR_IO; without words. */
err part_add(struct part *p, span bytes) MUST_USE;
/* Back to nothing: the server's file is another one. */
err part_restart(struct slipway *s, struct part *p) MUST_USE;
/* Keeps for the next run what download this is and what time it took so far. */
err part_note(struct slipway *s, const struct part *p, const char *download_id,
	int64_t spent_ms) MUST_USE;
/* The digest of what is there. */
void part_digest(const struct part *p, char ret_sha256[SHA256_HEX + 1], uint8_t ret_blake2b[64]);
/* Makes it durable and gives it its name. */
err part_finish(struct slipway *s, struct part *p) MUST_USE;
/* Deletes both files. */
void part_discard(struct part *p);

#endif
