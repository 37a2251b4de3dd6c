#ifndef SLIPWAY_CATALOG_INSPECT_H
#define SLIPWAY_CATALOG_INSPECT_H

/*
 * What a package file says about itself: its format by content (never by name), and where the
 * format tells, name, version, operating system and architecture. The parsers see what anybody may
 * upload, so they run in a child process that can do nothing but read the file and answer
 * (sandbox.h).
 */

#include "catalog/sample.h"

#define INSPECT_TIMEOUT_US INT64_C(30000000)

/* Texts are empty where the format does not tell. */
struct inspection {
	char format[16];       /* one of FORMAT_NAMES, or empty: not recognised */
	char os[16];           /* linux, windows, macos, android */
	char architecture[32]; /* amd64, arm64, 386, armhf, any, universal, or the format's own word
				*/
	char name[128];
	char version[128]; /* as the package writes it, epoch and revision included */
	bool stub;         /* PE: an installer's own machine, not that of what it installs */
};

/* Every format there is, separated by spaces: what a package may declare. */
#define FORMAT_NAMES "deb rpm msi exe pkg dmg appimage apk zip tar.gz tar.xz tar.zst elf run"
bool format_exists(span name);

/*
 * Inspects the file in a child process. fd is only read, at given offsets. ERR_INVALID when the
 * child crashed, ran into a limit or found the file's structure damaged (*ret_why, static text,
 * says which); ERR_UNAVAILABLE when no child can be made. Any thread.
 */
err inspect_file(int fd, int64_t timeout_us, struct inspection *ret, const char **ret_why) MUST_USE;

/* What main() gives way to in a child: see sandbox_use_fresh_program(). Gives the exit status. */
#define INSPECT_PROGRAM "slipway-inspect"
int inspect_main(void);

/*
 * The inspection itself, in this process: for the child and for tests. ERR_INVALID when a format
 * was recognised and its structure is damaged.
 */
err inspect_sample(const struct sample *s, struct inspection *ret) MUST_USE;

/*
 * True when the version a package writes means the same as a semantic version: without epoch,
 * Debian revision and "+…" suffix, missing parts being 0, "~rc1" being "-rc.1".
 */
bool inspect_version_matches(span format, span package_version, span semver_text);

/* True when a package with this inspection can be what the platform (os-arch) declares. */
bool inspect_platform_matches(const struct inspection *i, span platform);

/*
 * The parsers, one per format: fill what the format tells. ERR_INVALID for a damaged structure.
 * Precondition: none; each checks its own magic.
 */
err inspect_deb(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_rpm(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_pe(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_ole(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_xar(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_elf(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_dmg(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_zip(const struct sample *s, struct inspection *ret) MUST_USE;
err inspect_tar(const struct sample *s, struct inspection *ret) MUST_USE; /* compressed */
/* The fields of a Debian control file. */
err inspect_deb_control(span text, struct inspection *ret) MUST_USE;

#endif
