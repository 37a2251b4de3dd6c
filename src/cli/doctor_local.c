/*
 * What can be wrong with a data directory. Looks only; changes nothing.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/humane.h"
#include "conf/conf.h"
#include "sys/child.h"
#include "sys/files.h"

#include "base/banned.h"

#define CERTIFICATE_MAX  (256 * 1024)
#define DISK_LEAST       (UINT64_C(2) << 30)
#define DISK_LEAST_PART  20 /* one twentieth */
#define NGINX_TIMEOUT_US (10 * TIME_SECOND)

static const char *in(struct checkup *c, const char *data, const char *name)
{
	return arena_printf(c->cli->arena, "%s/%s", data, name);
}

/* Rights --------------------------------------------------------------------------------------- */

static void check_mode(struct checkup *c, const char *path, mode_t forbidden, const char *who)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == EACCES)
			checkup_add(c, "permissions", FINDING_WARNING, "run doctor as root",
				"%s cannot be looked at", path);
		else
			checkup_add(c, "permissions", FINDING_PROBLEM,
				"`slipway serve` makes what is missing", "%s: %s", path,
				strerror(errno));
	} else if (st.st_mode & forbidden) {
		checkup_add(c, "permissions", FINDING_PROBLEM,
			"stop the server and start it again: it sets the rights of its directory",
			"%s (mode %04o) is open to %s", path, (unsigned)st.st_mode & 07777, who);
	}
}

static void check_permissions(struct checkup *c, const char *data)
{
	static const struct {
		const char *name, *who;
		mode_t forbidden;
	} paths[] = {
		{"slipway.conf", "others", S_IRWXO | S_IWGRP},
		{"keys", "other accounts", S_IRWXG | S_IRWXO},
		{"db", "other accounts", S_IRWXG | S_IRWXO},
		{"uploads", "other accounts", S_IRWXG | S_IRWXO},
		{"blobs", "others, or writable by nginx", S_IWGRP | S_IRWXO},
		{"state", "others", S_IRWXO},
		{"log", "others", S_IRWXO},
	};
	unsigned before = c->problems + c->warnings;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		check_mode(c, in(c, data, paths[i].name), paths[i].forbidden, paths[i].who);
	if (c->problems + c->warnings == before)
		checkup_add(c, "permissions", FINDING_OK, NULL,
			"keys and database are closed to other accounts");
}

/* nginx writes run/nginx.pid, the control plane owns keys/: one owner means one account. */
static void check_accounts(struct checkup *c, const char *data)
{
	struct stat keys, web;

	if (stat(in(c, data, "keys"), &keys) != 0 ||
		stat(in(c, data, "run/nginx.pid"), &web) != 0) {
		checkup_add(c, "accounts", FINDING_WARNING, "look again while the server runs",
			"the server does not run: its accounts cannot be told");
		return;
	}
	if (keys.st_uid == 0 || web.st_uid == 0)
		checkup_add(c, "accounts", FINDING_PROBLEM, "start it with `slipway serve`",
			"a part of the server runs as root");
	else if (keys.st_uid == web.st_uid)
		checkup_add(c, "accounts", FINDING_WARNING,
			"start `slipway serve` as root: it uses two accounts without rights",
			"nginx and the control plane run as one account: a hole in nginx reaches "
			"the signing keys; for development only");
	else
		checkup_add(c, "accounts", FINDING_OK, NULL,
			"nginx and the control plane run as accounts of their own");
}

/* Certificate ---------------------------------------------------------------------------------- */

static void check_certificate(struct checkup *c, const char *path, bool ours)
{
	const char *remedy = ours ? "the server renews it by itself while it runs; is it running?"
				  : "renew it and reload the server (SIGHUP)";
	AUTO(buf) pem = {0};
	int64_t end_us = 0, left;

	buf_init(&pem, CERTIFICATE_MAX);
	if (file_read(path, &pem) != OK || !checkup_certificate_end(buf_span(&pem), &end_us)) {
		checkup_add(c, "certificate", FINDING_PROBLEM, remedy,
			"%s cannot be read as a certificate", path);
		return;
	}
	left = (end_us - c->cli->now_us) / TIME_DAY;
	if (end_us <= c->cli->now_us)
		checkup_add(c, "certificate", FINDING_PROBLEM, remedy, "%s has expired", path);
	else
		checkup_add(c, "certificate", left < 14 ? FINDING_WARNING : FINDING_OK,
			left < 14 ? remedy : NULL, "%s ends in %lld days", path, (long long)left);
}

/* Disk, clock ---------------------------------------------------------------------------------- */

static void check_disk(struct checkup *c, const char *data)
{
	struct statvfs fs;
	uint64_t available, size;
	AUTO(buf) text = {0};

	buf_init(&text, 128);
	if (statvfs(data, &fs) != 0) {
		checkup_add(c, "disk", FINDING_PROBLEM, NULL, "%s: %s", data, strerror(errno));
		return;
	}
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	size = (uint64_t)fs.f_blocks * fs.f_frsize;
	humane_size(&text, available);
	buf_add_str(&text, " of ");
	humane_size(&text, size);
	buf_add_str(&text, " free");
	checkup_add(c, "disk",
		available < DISK_LEAST || available < size / DISK_LEAST_PART ? FINDING_WARNING
									     : FINDING_OK,
		available < DISK_LEAST ? "make room: uploads will soon be refused" : NULL, "%s",
		buf_str(&text));
	if (fs.f_files && fs.f_favail < fs.f_files / 100)
		checkup_add(c, "disk", FINDING_WARNING, "make room", "few inodes are left");
}

static void check_clock(struct checkup *c)
{
	struct timex t = {0};
	int state = adjtimex(&t);

	if (state < 0)
		checkup_add(
			c, "clock", FINDING_WARNING, NULL, "cannot be asked: %s", strerror(errno));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		checkup_add(c, "clock", FINDING_WARNING, "set up chrony or systemd-timesyncd",
			"nothing keeps the clock right; tokens are judged by it");
	else
		checkup_add(c, "clock", FINDING_OK, NULL, "is kept right");
}

/* nginx ---------------------------------------------------------------------------------------- */

/* What nginx says after "[emerg] ", without its tail. */
static const char *complaint(struct checkup *c, const struct buf *output)
{
	const char *at = strstr(buf_str(output), "[emerg] ");
	span line = span_from(at ? at + strlen("[emerg] ") : buf_str(output));

	return arena_str(c->cli->arena, span_trim(span_sub(line, 0, span_find(line, '\n'))));
}

/* Has nginx load the module, in a directory of its own: nothing of the server is touched. */
static void test_module(struct checkup *c, const char *module, const char *folder)
{
	const char *config = arena_printf(c->cli->arena, "%s/nginx.conf", folder);
	const char *text = arena_printf(c->cli->arena,
		"load_module %s;\npid %s/pid;\nerror_log stderr;\nevents {}\n", module, folder);
	const char *const argv[] = {"nginx", "-t", "-e", "stderr", "-c", config, NULL};
	struct child_plan plan = {.argv = argv};
	AUTO(buf) output = {0};
	int status = 0;
	err e = file_write_atomic(config, span_from(text), 0600);

	buf_init(&output, 65536);
	if (e == OK)
		e = child_run(&plan, NGINX_TIMEOUT_US, &output, &status);
	if (e == ERR_NOT_FOUND)
		checkup_add(c, "nginx", FINDING_PROBLEM,
			"install the package nginx (without starting its service)",
			"there is no nginx in PATH");
	else if (e != OK)
		checkup_add(
			c, "nginx", FINDING_WARNING, NULL, "could not be asked: %s", err_title(e));
	else if (status != 0)
		checkup_add(c, "nginx", FINDING_PROBLEM,
			"build Slipway against the nginx that is installed",
			"refuses the module: %s", complaint(c, &output));
	else
		checkup_add(c, "nginx", FINDING_OK, NULL, "loads the module");
	(void)unlink(config);
}

static void check_nginx(struct checkup *c, const char *data)
{
	char folder[] = "/tmp/slipway-doctor-XXXXXX", absolute[PATH_MAX];
	const char *module = in(c, data, "run/ngx_http_slipway_module.so");

	if (!realpath(module, absolute)) {
		checkup_add(c, "nginx", FINDING_WARNING, "look again while the server runs",
			"the module is not there: the server does not run");
		return;
	}
	if (!mkdtemp(folder))
		return;
	test_module(c, absolute, folder);
	(void)rmdir(folder);
}

void checkup_local(struct checkup *c, const char *data)
{
	AUTO_PTR(conf) conf = NULL;
	const char *problem = "", *certificate;
	struct stat st;

	if (stat(in(c, data, "slipway.conf"), &st) != 0) {
		checkup_add(c, "data", FINDING_PROBLEM, "slipway init --data DIR",
			"%s holds no Slipway server: slipway.conf: %s", data, strerror(errno));
		return;
	}
	if (conf_load(c->cli->arena, in(c, data, "slipway.conf"), NULL, 0, &conf, &problem) != OK) {
		checkup_add(c, "settings", FINDING_PROBLEM, NULL, "%s", problem);
		return;
	}
	checkup_add(c, "settings", FINDING_OK, NULL, "%s can be read", in(c, data, "slipway.conf"));
	check_permissions(c, data);
	check_accounts(c, data);
	certificate = conf_str(conf, CONF_TLS_CERTIFICATE);
	check_certificate(
		c, *certificate ? certificate : in(c, data, "tls/server.pem"), !*certificate);
	check_disk(c, data);
	check_nginx(c, data);
	checkup_mail(c, conf);
	checkup_redis(c, conf);
	check_clock(c);
}
