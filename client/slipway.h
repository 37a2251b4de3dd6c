#ifndef SLIPWAY_H
#define SLIPWAY_H

/*
 * libslipway: updates for programs that come from a Slipway server. Ask whether there is an update,
 * download it so that an interruption costs nothing, check what arrived, and report what became of
 * it.
 *
 *     struct slipway_settings settings = {SLIPWAY_API_VERSION};
 *     settings.server = "https://packages.example.com";
 *     settings.product = "myvpn";
 *     settings.platform = "linux-amd64";
 *     settings.installed = "1.0.0";
 *     settings.licence_key = key;                        // for packages that need a licence
 *     settings.publisher_keys = keys;                    // pinned: see below
 *
 *     struct slipway *s;
 *     struct slipway_problem problem;
 *     if (slipway_open(&settings, &s, &problem) != SLIPWAY_OK)
 *             …problem.detail…
 *     struct slipway_update *update;
 *     if (slipway_check(s, NULL, &update) == SLIPWAY_OK && update->available) {
 *             struct slipway_file *file;
 *             if (slipway_download(s, update, "/var/cache/myvpn", &file) == SLIPWAY_OK)
 *                     …install file->path, then slipway_report(s, …, SLIPWAY_INSTALLED, NULL)…
 *             slipway_file_free(file);
 *     }
 *     slipway_update_free(update);
 *     slipway_close(s);
 *
 * What is trusted: the server's certificate says whom we talk to; the SHA-256 in its answer says
 * which file was meant. A pinned publisher's key says more: that the file is the publisher's, even
 * if the server were broken into. Programs that install what they download should pin one.
 *
 * A struct slipway is used by one thread at a time; several of them, in several threads or
 * processes, may share a state directory. There are no globals. All texts are UTF-8 and end with a
 * NUL. Text given to a function is borrowed for the call, settings too (they are copied).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLIPWAY_API_VERSION 1

/* What can go wrong; the values are also the exit codes of slipway-update. */
enum slipway_status {
	SLIPWAY_OK = 0,
	SLIPWAY_INVALID = 2,         /* a setting or an argument */
	SLIPWAY_UNAUTHENTICATED = 3, /* a licence or device is needed, or no longer valid */
	SLIPWAY_DENIED = 4,          /* not permitted; or a signature that is not the publisher's */
	SLIPWAY_NOT_FOUND = 5,
	SLIPWAY_CONFLICT = 6,
	SLIPWAY_EXPIRED = 7,
	SLIPWAY_TOO_LARGE = 8,
	SLIPWAY_LIMIT = 9,        /* too many requests or devices */
	SLIPWAY_BUSY = 10,        /* another run is at it; or the server is busy */
	SLIPWAY_UNAVAILABLE = 11, /* no network, no server, or not the right one */
	SLIPWAY_NO_SPACE = 12,    /* the disk is full */
	SLIPWAY_CANCELLED = 13,
	SLIPWAY_NOMEM = 14,
	SLIPWAY_IO = 15,
	SLIPWAY_CORRUPT = 16, /* what arrived is not what was announced; it was deleted */
	SLIPWAY_BUG = 17
};

/* The words of the last failure. */
struct slipway_problem {
	char code[64];     /* for programs: "licence_expired", "network", "digest_mismatch" … */
	char detail[1024]; /* for people */
	char request_id[128];  /* finds the request in the server's log; may be empty */
	int64_t retry_after_s; /* the server asks to wait so long; 0: it does not */
};

struct slipway_settings {
	uint32_t api_version; /* SLIPWAY_API_VERSION */
	/* The next four may be NULL only for slipway_verify() with something to check against. */
	const char *server;      /* "https://host" or "https://host:port" */
	const char *product;     /* its name */
	const char *platform;    /* os-arch: "linux-amd64" */
	const char *installed;   /* installed version; "0.0.0" when nothing is */
	const char *ca_file;     /* PEM, trusted instead of the system's authorities; or NULL */
	const char *channel;     /* "stable" (NULL), "beta" or "dev" */
	const char *format;      /* "deb", "msi" …; NULL: any */
	const char *os_version;  /* "22.04"; NULL: not told */
	const char *licence_key; /* activates this device when it is not yet; or NULL */
	const char *device_name; /* what the customer sees in lists of devices; NULL: host name */
	const char *state_dir;   /* NULL: ~/.local/state/slipway-update */
	const char *user_agent;  /* NULL: libslipway and its version */
	/* Pinned minisign public keys (text of the file, or its second line), ended by NULL. */
	const char *const *publisher_keys;
	uint64_t max_bytes_per_second; /* of downloads; 0: no limit */
	/* Called often while something takes its time; true ends it with SLIPWAY_CANCELLED. */
	bool (*cancelled)(void *ctx);
	/* Bytes of the file that are on disk; also after each interruption. May be NULL. */
	void (*progress)(void *ctx, uint64_t bytes, uint64_t total);
	/* A sentence for people: an interruption, a renewal. May be NULL. */
	void (*note)(void *ctx, const char *text);
	void *ctx;
};

struct slipway;

/* Opens a client. On failure *problem (may be NULL) says why. Gives: slipway_close(). */
enum slipway_status slipway_open(const struct slipway_settings *settings, struct slipway **ret,
	struct slipway_problem *problem);
void slipway_close(struct slipway *s); /* accepts NULL */
/* Why the last call failed; valid until the next call. */
const struct slipway_problem *slipway_problem_get(const struct slipway *s);
/* "digest_mismatch" aside, one word for each status: "unavailable". */
const char *slipway_status_name(enum slipway_status status);
/* Version of the library: "0.1.0". */
const char *slipway_version(void);

/* Device ----------------------------------------------------------------------------------------*/

/*
 * Activates this device with settings.licence_key, if it is not activated yet. slipway_check() and
 * slipway_download() do it by themselves; a program calls this to tell a person at once whether the
 * key they typed is good. *ret_device_id (may be NULL) is valid until slipway_close().
 */
enum slipway_status slipway_activate(struct slipway *s, const char **ret_device_id);

/* Check -----------------------------------------------------------------------------------------*/

struct slipway_check_options {
	const char *pin; /* version or range to be held to; or NULL */
	bool manual;     /* a person asked: do not wait for the turn in a gradual rollout */
};

struct slipway_package {
	const char *id, *filename, *sha256, *format, *package_class;
	uint64_t size;
};

/* Another product the update needs, and the release of it that will do. */
struct slipway_requirement {
	const char *product, *range, *version, *release_id, *package_id;
};

struct slipway_update {
	bool available;
	const char *reason;         /* "update_available", "up_to_date", "rollout_wait" … */
	const char *policy;         /* with "not_entitled" why: "licence_expired" …; else NULL */
	int64_t next_check_seconds; /* ask again then; add a random part of your own */
	/* only when available; optional texts may be NULL */
	const char *version, *channel, *release_id, *notes_url, *eol;
	bool critical, mandatory;
	struct slipway_package package;
	const struct slipway_requirement *requirements;
	size_t requirements_count;
	const char *json; /* the server's whole answer */
};

/* Asks for an update. options may be NULL. Gives: slipway_update_free(). */
enum slipway_status slipway_check(struct slipway *s, const struct slipway_check_options *options,
	struct slipway_update **ret);
void slipway_update_free(struct slipway_update *u); /* accepts NULL */

/* Download --------------------------------------------------------------------------------------*/

enum slipway_signature {
	SLIPWAY_SIGNATURE_NOT_REQUIRED, /* no key is pinned */
	SLIPWAY_SIGNATURE_VERIFIED      /* made by a pinned key */
};
const char *slipway_signature_name(enum slipway_signature signature); /* "verified" … */

struct slipway_file {
	const char *path; /* OUTPUT_DIR/FILENAME */
	const char *sha256, *version, *release_id;
	const char *download_id; /* NULL when the file was there already */
	uint64_t size;
	uint64_t received;   /* bytes this call took from the network */
	bool resumed;        /* an earlier, interrupted download was continued */
	int64_t duration_ms; /* over all its runs */
	enum slipway_signature signature;
};

/*
 * Downloads the package of an update into a directory (made if missing). While it is not whole it
 * is FILENAME.part there; killed, cut off or cancelled at any point, the next call goes on from
 * that. Only after its size, digest and (with pinned keys) signature are right and it is durably on
 * disk does it get its name; else it is deleted: SLIPWAY_CORRUPT, SLIPWAY_DENIED. The outcome is
 * reported to the server, now or, if it cannot be reached, with the next call. Gives:
 * slipway_file_free().
 */
enum slipway_status slipway_download(struct slipway *s, const struct slipway_update *update,
	const char *output_dir, struct slipway_file **ret);
void slipway_file_free(struct slipway_file *f); /* accepts NULL */

/* Verification ----------------------------------------------------------------------------------*/

/*
 * Checks a file on disk: against sha256 (64 lower-case hex digits) unless NULL, and, when keys are
 * pinned, against `signature` (text of a minisign signature). With pinned keys and signature NULL
 * the server is asked for the signature it has for this digest. Without anything to check against,
 * the server is asked which package of the product this is. *ret_sha256 (64 digits and NUL) is what
 * the file has. SLIPWAY_CORRUPT when the digest differs, SLIPWAY_DENIED for a signature that is
 * missing or wrong, SLIPWAY_NOT_FOUND when the server knows no such package.
 */
enum slipway_status slipway_verify(struct slipway *s, const char *path, const char *sha256,
	const char *signature, enum slipway_signature *ret_signature, char ret_sha256[65]);

/* Report ----------------------------------------------------------------------------------------*/

enum slipway_stage {
	SLIPWAY_DOWNLOADED,
	SLIPWAY_INSTALLED,
	SLIPWAY_ALIVE, /* the new version runs */
	SLIPWAY_FAILED,
	SLIPWAY_ROLLED_BACK
};

/* Tells the server what became of an update; error (may be NULL) says why it failed. */
enum slipway_status slipway_report(
	struct slipway *s, const char *release_id, enum slipway_stage stage, const char *error);

#ifdef __cplusplus
}
#endif

#endif
