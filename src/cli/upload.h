#ifndef SLIPWAY_CLI_UPLOAD_H
#define SLIPWAY_CLI_UPLOAD_H

/*
 * Uploading a file by the tus protocol (version 1.0), so that what was cut off goes on where it
 * stopped: within a run by itself, and in the next run by what is kept beside the credentials
 * (uploads/DIGEST.json).
 */

#include "cli/session.h"
#include "cli/signing.h"

/*
 * Uploads the file of this digest; gives the upload's id (in cli->arena), which the server has
 * confirmed to have the same digest. Fails with words.
 */
err upload_file(struct cli *cli, const char *path, const struct file_digest *digest,
	const char **ret_id) MUST_USE;
/* Forgets how to resume: the upload was used. */
void upload_forget(struct cli *cli, const struct file_digest *digest);

#endif
