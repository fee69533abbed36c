/* SPDX-License-Identifier: BSD-3-Clause */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "log.h"

LOG_TAG("privileges");

/*
 * NET_ADMIN: netlink to PFs, netdev features; NET_RAW: packet sockets;
 * IPC_LOCK: buffers of hypercalls. SYS_ADMIN is not among them: a child alone has it
 * (dma/config_space.h).
 */
static const capng_type_t kinds = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
static const unsigned int kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK };

/* glibc, DPDK (hotplug of a VF's device and its interrupt thread included), Xen's libraries, sanitizers. */
SYSCALLS("accept", "accept4", "access", "bind", "brk", "clock_gettime", "clock_nanosleep", "clone",
	 "clone3", "close", "connect", "dup", "dup3", "epoll_create", "epoll_ctl", "epoll_wait",
	 "eventfd2", "exit", "exit_group", "fchmod", "fcntl", "flock", "fstat", "ftruncate",
	 "futex", "get_mempolicy", "getcwd", "getdents64", "getpid", "getrandom", "getsockname",
	 "getsockopt", "gettid", "gettimeofday", "getuid", "ioctl", "listen", "lseek", "lstat",
	 "madvise", "mlock", "mmap", "mprotect", "mremap", "munlock", "munmap", "nanosleep",
	 "newfstatat", "open", "openat", "pipe2", "poll", "ppoll", "prctl", "pread64", "prlimit64",
	 "pwrite64", "read", "readlink", "readlinkat", "recvfrom", "recvmsg", "restart_syscall",
	 "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity",
	 "sched_setaffinity", "sched_yield", "sendmsg", "sendto", "set_mempolicy",
	 "set_robust_list", "setsockopt", "shutdown", "sigaltstack", "socket", "stat", "statx",
	 "sysinfo", "tgkill", "timerfd_settime", "uname", "unlink", "unlinkat", "write", "writev");

#ifdef __SANITIZE_ADDRESS__
/* The leak checker stops the other threads as a debugger would. */
static const char *sanitizer_syscalls[] __attribute__((section("vifd_syscalls"), used)) = {
	"getdents", "getppid", "kill", "process_vm_readv", "ptrace", "set_tid_address", "wait4",
};
#endif

extern const char *__start_vifd_syscalls[], *__stop_vifd_syscalls[];

int privileges_drop(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!capng_have_capability(CAPNG_PERMITTED, kept[i]))
			capng_update(CAPNG_ADD, kinds, kept[i]);
	if (capng_apply(CAPNG_SELECT_BOTH)) {
		log_error("capabilities cannot be dropped: %m");
		return -EPERM;
	}
	return 0;
}

static int allow_all(scmp_filter_ctx filter)
{
	for (const char **name = __start_vifd_syscalls; name < __stop_vifd_syscalls; name++) {
		int number, ret;

		if (!*name)
			continue;
		number = seccomp_syscall_resolve_name(*name);
		if (number == __NR_SCMP_ERROR)
			continue; /* not on this architecture */
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (ret && ret != -EEXIST)
			return ret;
	}
	return 0;
}

int privileges_confine(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret = filter ? 0 : -ENOMEM;

	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = allow_all(filter);
	if (!ret)
		ret = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (ret)
		log_error("system calls cannot be confined: %s", strerror(-ret));
	return ret;
}
