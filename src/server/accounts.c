/*
 * The two system accounts. Hard rule: none of them has a shell, a home or a password, and nginx's
 * is no member of any group but its own.
 */
#include "server/accounts.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/child.h"

#include "base/banned.h"

#define BIT(capability) (UINT64_C(1) << (capability))
#define CREATE_TIMEOUT  INT64_C(30000000)
#define CREATE_ATTEMPTS 5
#define CREATE_PAUSE_US 300000

static bool find_account(const char *name, struct identity *ret)
{
	char memory[4096];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, memory, sizeof(memory), &found) != 0 || found == NULL)
		return false;
	ret->uid = entry.pw_uid;
	ret->gid = entry.pw_gid;
	return true;
}

/* Runs useradd; what it says on failure goes to said. */
static bool create_account(const char *name, struct buf *said)
{
	struct child_plan plan = {
		.argv = (const char *const[]){"useradd", "--system", "--user-group",
			"--no-create-home", "--home-dir", "/nonexistent", "--shell",
			"/usr/sbin/nologin", "--comment", "Slipway", name, NULL}};
	int status = 0;
	err e;

	buf_clear(said);
	e = child_run(&plan, CREATE_TIMEOUT, said, &status);
	if (e == ERR_NOT_FOUND)
		buf_add_str(said, "there is no program useradd");
	else if (e != OK)
		buf_add_str(said, err_title(e));
	return e == OK && status == 0;
}

static err account_get(
	struct arena *a, const char *name, struct identity *ret, const char **ret_problem)
{
	char memory[512];
	struct buf said;

	buf_init_fixed(&said, memory, sizeof(memory));
	for (unsigned i = 0; i < CREATE_ATTEMPTS; i++) {
		if (find_account(name, ret))
			break;
		/* Another program may hold the lock of the account files for a moment. */
		if (!create_account(name, &said) && i > 0)
			(void)usleep(CREATE_PAUSE_US);
	}
	if (!find_account(name, ret)) {
		span words = span_trim(buf_span(&said));
		*ret_problem = arena_printf(
			a, "cannot create the account \"%s\": %.*s", name, SPAN_ARG(words));
		return ERR_UNAVAILABLE;
	}
	if (ret->uid == 0 || ret->gid == 0) {
		*ret_problem = arena_printf(a, "the account \"%s\" must not be root's", name);
		return ERR_UNAVAILABLE;
	}
	return OK;
}

err accounts_find(struct arena *a, struct accounts *ret, const char **ret_problem)
{
	struct accounts found = {0};
	uint64_t bind = BIT(CAP_NET_BIND_SERVICE);
	err e;

	if (geteuid() != 0) {
		struct identity self = {.uid = geteuid(), .gid = getegid(), .keep = bind};

		found.supervisor = found.control = found.web = self;
		found.control.keep = 0;
		found.web.pass_on = bind; /* where the service manager granted it */
		*ret = found;
		return OK;
	}
	e = account_get(a, ACCOUNT_CONTROL, &found.control, ret_problem);
	if (e == OK)
		e = account_get(a, ACCOUNT_WEB, &found.web, ret_problem);
	if (e != OK)
		return e;
	found.separate = true;
	/* So that what it makes for nginx can be given nginx's group. */
	found.control.also = found.web.gid;
	found.supervisor = found.control;
	/* To start and signal children of other users; the port right only to pass it on. */
	found.supervisor.keep = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) | bind;
	found.web.keep = found.web.pass_on = bind;
	*ret = found;
	return OK;
}
