/*
 * Raw system calls: libcap is one more library for five calls, and glibc's setuid() signals every
 * thread, which must not happen between fork and exec. Hard rule: capabilities only ever shrink.
 */
#include "sys/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define CAP_BITS 64

static err get_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

	return syscall(SYS_capget, &header, data) == 0 ? OK : err_from_errno(errno);
}

/* Permitted and effective become what is kept and present, inheritable what is passed on of it. */
static err set_capabilities(uint64_t keep, uint64_t pass_on)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	err e = get_capabilities(data);

	if (e != OK)
		return e;
	for (unsigned i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = data[i].permitted & (uint32_t)(pass_on >> (32 * i));
	}
	if (syscall(SYS_capset, &header, data) != 0)
		return err_from_errno(errno);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return err_from_errno(errno);
	for (unsigned bit = 0; bit < CAP_BITS; bit++) {
		bool wanted = data[bit / 32].inheritable >> (bit % 32) & 1;

		if (wanted && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) != 0)
			return err_from_errno(errno);
	}
	return OK;
}

static err set_ids(const struct identity *who)
{
	uid_t uid = who->uid;
	gid_t groups[] = {who->gid, who->also};

	if (geteuid() == uid && getuid() == uid && getegid() == who->gid && getgid() == who->gid)
		return OK;
	/* Groups first: afterwards the right to change them may be gone. */
	if (syscall(SYS_setgroups, who->also != 0 ? 2 : 1, groups) != 0 ||
		syscall(SYS_setresgid, who->gid, who->gid, who->gid) != 0 ||
		syscall(SYS_setresuid, uid, uid, uid) != 0)
		return err_from_errno(errno);
	return OK;
}

err privilege_become(const struct identity *who)
{
	err e;

	/* Leaving uid 0 would otherwise clear the permitted set (capabilities(7)). */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return err_from_errno(errno);
	e = set_ids(who);
	if (e == OK)
		e = set_capabilities(who->keep, who->pass_on & who->keep);
	if (e != OK)
		return e;
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0); /* execve clears it as well */
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? OK : err_from_errno(errno);
}

void privilege_bound(uint64_t keep)
{
	for (unsigned bit = 0; bit < CAP_BITS; bit++)
		if ((keep >> bit & 1) == 0)
			/* Fails beyond the kernel's last capability and without CAP_SETPCAP. */
			(void)prctl(PR_CAPBSET_DROP, bit, 0, 0, 0);
}

uint64_t privilege_effective(void)
{
	struct __user_cap_data_struct data[2];

	if (get_capabilities(data) != OK)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}
