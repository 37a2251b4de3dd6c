#ifndef SLIPWAY_CONF_CONF_H
#define SLIPWAY_CONF_CONF_H

/*
 * Settings: one table says name, type, default, bounds and what it is for; `slipway.conf` in the
 * data directory, then the environment (SLIPWAY_ + name in upper case, '.' as '_'), then the
 * command line (--set name=value and dedicated options) overrule the default in this order.
 * The file: `name = value` lines; '#' at the start of a line or after a space begins a comment. An
 * unknown name, a name set twice or a bad value is an error that names file, line and what was
 * expected. Values never hold control characters, so they can be written into other files.
 * docs/configuration.md is generated from the table.
 *
 * A loaded configuration is immutable. Sizes are bytes ("10m"), durations microseconds ("15m").
 */

#include "base/arena.h"
#include "base/buf.h"

/* type: STRING, BOOL, INT, SIZE, DURATION. id, name, type, default, least, most, help */
#define SETTINGS(X)                                                                                \
	X(DATABASE, "database", STRING, "sqlite", 0, 0,                                            \
		"`sqlite` (in the data directory) or a `postgresql://` URL")                       \
	X(DB_SESSIONS, "database.sessions", INT, "16", 1, 1024, "Database connections at most")    \
	X(DB_SLOW, "database.slow", DURATION, "200ms", 0, INT64_MAX,                               \
		"Statements slower than this are logged")                                          \
	X(PUBLIC_URL, "public_url", STRING, "", 0, 0,                                              \
		"URL clients reach this server under, the issuer of its tokens; the same on all "  \
		"nodes; empty: from the request's Host")                                           \
	X(SERVER_NAME, "server_name", STRING, "localhost", 0, 0,                                   \
		"Host names of this server, separated by spaces")                                  \
	X(HTTPS, "listen.https", STRING, "127.0.0.1:8443", 0, 0,                                   \
		"Addresses for HTTPS, separated by spaces")                                        \
	X(HTTP, "listen.http", STRING, "127.0.0.1:8080", 0, 0,                                     \
		"Addresses for HTTP, which only redirects; empty: none")                           \
	X(PROXIES, "listen.trusted_proxies", STRING, "", 0, 0,                                     \
		"Addresses or networks of reverse proxies whose X-Forwarded-For names the "        \
		"client, separated by spaces")                                                     \
	X(TLS_CERTIFICATE, "tls.certificate", STRING, "", 0, 0,                                    \
		"PEM chain; empty: a local CA in the data directory issues one")                   \
	X(TLS_KEY, "tls.key", STRING, "", 0, 0, "PEM private key of tls.certificate")              \
	X(HSTS, "tls.hsts", DURATION, "730d", 0, INT64_C(3153600000000000),                        \
		"max-age of Strict-Transport-Security")                                            \
	X(HSTS_PRELOAD, "tls.hsts_preload", BOOL, "false", 0, 0,                                   \
		"Adds `preload` to it; hard to take back")                                         \
	X(NGINX, "nginx.program", STRING, "/usr/sbin/nginx", 0, 0, "nginx to run")                 \
	X(MODULE, "nginx.module", STRING, "", 0, 0,                                                \
		"ngx_http_slipway_module.so; empty: beside the slipway program, in "               \
		"../lib/slipway or in nginx's module directory")                                   \
	X(WORKERS, "nginx.workers", INT, "0", 0, 256, "nginx workers; 0: one per core")            \
	X(CONNECTIONS, "nginx.connections", INT, "8192", 64, 1048576, "Connections per worker")    \
	X(API_THREADS, "api.threads", INT, "128", 4, 4096, "API connections held at once")         \
	X(UPLOAD_SLOTS, "upload.slots", INT, "8", 1, 256, "Uploads received at once")              \
	X(UPLOAD_MAX, "upload.max_size", SIZE, "8g", 1048576, INT64_MAX,                           \
		"Largest package accepted")                                                        \
	X(UPLOAD_EXPIRY, "upload.expiry", DURATION, "1d", 60000000, INT64_MAX,                     \
		"Unfinished uploads are dropped after this")                                       \
	X(ACCESS_TTL, "token.access_ttl", DURATION, "10m", 60000000, INT64_C(3600000000),          \
		"Life of access tokens")                                                           \
	X(DEVICE_TTL, "token.device_ttl", DURATION, "30d", INT64_C(3600000000), INT64_MAX,         \
		"Life of device tokens")                                                           \
	X(DOWNLOAD_TTL, "token.download_ttl", DURATION, "15m", 10000000, INT64_C(86400000000),     \
		"Life of download tokens")                                                         \
	X(REFRESH_TTL, "token.refresh_ttl", DURATION, "30d", INT64_C(3600000000), INT64_MAX,       \
		"Life of a session, however often refreshed")                                      \
	X(REFRESH_IDLE, "token.refresh_idle", DURATION, "14d", INT64_C(600000000), INT64_MAX,      \
		"A session unused this long ends")                                                 \
	X(COOKIE_TTL, "session.cookie_ttl", DURATION, "12h", INT64_C(600000000), INT64_MAX,        \
		"Life of a browser's session")                                                     \
	X(COOKIE_IDLE, "session.cookie_idle", DURATION, "1h", INT64_C(60000000), INT64_MAX,        \
		"A browser's session unused this long ends")                                       \
	X(SESSION_LIMIT, "session.limit", INT, "20", 1, 900,                                       \
		"Sessions of one account besides its devices'; the oldest end")                    \
	X(KEY_ROTATION, "key.rotation", DURATION, "90d", 0, INT64_MAX,                             \
		"A signing key is followed by a new one after this; 0: only on request")           \
	X(PKCS11_MODULE, "pkcs11.module", STRING, "", 0, 0,                                        \
		"PKCS#11 module (a shared object) of the token that holds signing keys")           \
	X(PKCS11_PIN, "pkcs11.pin_file", STRING, "", 0, 0,                                         \
		"File with the user PIN of that token; empty: no login")                           \
	X(KEY_LEAD, "key.lead", DURATION, "1d", 5000000, INT64_MAX,                                \
		"A new signing key is published this long before it signs")                        \
	X(FACTOR_ROLES, "auth.second_factor_roles", STRING, "", 0, 0,                              \
		"Roles that must have a second factor, separated by spaces")                       \
	X(STEP_UP, "auth.step_up_window", DURATION, "15m", INT64_C(60000000), INT64_MAX,           \
		"Dangerous actions need a proof of identity no older than this")                   \
	X(STEP_UP_CHANNELS, "auth.step_up_channels", STRING, "", 0, 0,                             \
		"Channels into which people publish only with such a proof, separated by "         \
		"spaces")                                                                          \
	X(LOGIN_ATTEMPTS, "login.attempts", INT, "5", 1, 1000,                                     \
		"Failed sign-ins to an account from one network in login.window before they are "  \
		"slowed down; from all networks together 20 times as many")                        \
	X(LOGIN_WINDOW, "login.window", DURATION, "15m", 1000000, INT64_MAX,                       \
		"Window of login.attempts")                                                        \
	X(LOGIN_WORKERS, "login.workers", INT, "2", 1, 64,                                         \
		"Passwords hashed at once; more wait briefly, then get 429")                       \
	X(API_RATE, "limit.api", INT, "50", 1, 1000000,                                            \
		"API requests per second and client address (of IPv6, its /64)")                   \
	X(ACCOUNT_RATE, "limit.account", INT, "50", 1, 1000000,                                    \
		"API requests per second and account, and of each device; ten times as many at "   \
		"once")                                                                            \
	X(KEY_RATE, "limit.key", INT, "50", 1, 1000000,                                            \
		"API requests per second and API key or workload identity; ten times as many at "  \
		"once")                                                                            \
	X(CHECK_RATE, "limit.check", INT, "100", 1, 1000000,                                       \
		"Update checks per second and client address (of IPv6, its /64)")                  \
	X(DOWNLOAD_CONNECTIONS, "limit.downloads", INT, "16", 1, 65536,                            \
		"Simultaneous downloads per subject")                                              \
	X(METRICS_ALLOW, "metrics.allow", STRING, "127.0.0.1 ::1", 0, 0,                           \
		"Addresses or networks that may read /metrics, separated by spaces")               \
	X(CHECK_INTERVAL, "update.check_interval", DURATION, "6h", 1000000, INT64_MAX,             \
		"What update checks tell clients to wait")                                         \
	X(SCRUB_INTERVAL, "scrub.interval", DURATION, "7d", 0, INT64_MAX,                          \
		"Every stored file is re-hashed once in this time; 0: never")                      \
	X(EVENT_RETENTION, "event.retention", DURATION, "90d", INT64_C(86400000000), INT64_MAX,    \
		"Raw events and update reports are kept this long")                                \
	X(NET_ALLOWED, "net.allowed_private", STRING, "", 0, 0,                                    \
		"Networks outside the public Internet that identity providers and webhooks may "   \
		"be in, separated by spaces")                                                      \
	X(NET_CA_FILE, "net.ca_file", STRING, "", 0, 0,                                            \
		"PEM authorities for identity providers and webhooks; empty: the system's")        \
	X(NET_LOOPBACK, "net.allow_insecure_loopback", BOOL, "false", 0, 0,                        \
		"Identity providers and webhooks may be on this machine, there also by http://: "  \
		"for tests")                                                                       \
	X(AUDIT_CHECKPOINTS, "audit.checkpoint_interval", DURATION, "10m", 1000000,                \
		INT64_C(86400000000),                                                              \
		"While the audit log grows, a signed checkpoint is kept this often")               \
	X(MAIL_SERVER, "mail.server", STRING, "", 0, 0,                                            \
		"`smtp://HOST:PORT` (STARTTLS, which only loopback may lack) or "                  \
		"`smtps://HOST:PORT`; empty: no mail is sent")                                     \
	X(MAIL_USER, "mail.user", STRING, "", 0, 0,                                                \
		"Name to sign in with at the mail server; empty: no sign-in")                      \
	X(MAIL_PASSWORD, "mail.password_file", STRING, "", 0, 0, "File with its password")         \
	X(MAIL_CA, "mail.ca_file", STRING, "", 0, 0,                                               \
		"PEM authorities for the mail server; empty: the system's")                        \
	X(MAIL_FROM, "mail.from", STRING, "", 0, 0, "Address mail is sent from")                   \
	X(MAIL_NAME, "mail.name", STRING, "Slipway", 0, 0,                                         \
		"Name mail is sent under, and what the text calls this service")                   \
	X(MAIL_TIMEOUT, "mail.timeout", DURATION, "30s", 1000000, INT64_C(600000000),              \
		"A conversation with the mail server may take so long")                            \
	X(REDIS_URL, "redis.url", STRING, "", 0, 0,                                                \
		"Redis in which the nodes of one database count `limit.account`, `limit.key` and " \
		"`login.attempts` together; empty: each counts for itself")                        \
	X(REDIS_PASSWORD, "redis.password_file", STRING, "", 0, 0,                                 \
		"File with the password for it, instead of one in the URL")                        \
	X(LOG_LEVEL, "log.level", STRING, "info", 0, 0, "`debug`, `info`, `warn` or `error`")      \
	X(GEOIP, "geoip.database", STRING, "", 0, 0,                                               \
		"MaxMind-format country database; empty: countries are unknown")

#define SETTINGS_ENUM(id, name, type, value, least, most, help) CONF_##id,
enum setting { SETTINGS(SETTINGS_ENUM) CONF_COUNT };
#undef SETTINGS_ENUM

struct conf;

#define CONF_FILE_MAX 262144

/*
 * Loads file (may be absent), environment and overrides ("name=value", count of them). On failure
 * ERR_INVALID and *ret_problem, in arena a, says where and what was expected.
 */
err conf_load(struct arena *a, const char *file, const char *const *overrides, size_t count,
	struct conf **ret, const char **ret_problem) MUST_USE;
void conf_free(struct conf *c); /* accepts NULL */
DEFINE_AUTO_PTR(conf)

const char *conf_str(const struct conf *c, enum setting s);
bool conf_bool(const struct conf *c, enum setting s);
int64_t conf_int(const struct conf *c, enum setting s); /* INT, SIZE in bytes, DURATION in µs */
/* Where the value comes from, for people: "slipway.conf:3", "SLIPWAY_DATABASE", "default" … */
const char *conf_source(const struct conf *c, enum setting s);
const char *conf_name(enum setting s);
/* The table in Markdown: what docs/configuration.md holds. */
void conf_write_reference(struct buf *out);
/* A slipway.conf with every setting, its meaning and its default, all commented out. */
void conf_write_template(struct buf *out);

#endif
