// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attaches an XDP program that gives every frame one verdict, in the driver, for some seconds:
 *
 *     xdpload INTERFACE pass|drop|tx|redirect SECONDS      (redirect: out of the same interface)
 *
 * Raw instructions and system calls: the guest has no compiler and no libbpf.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOV(reg, value)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = reg, .imm = value                  \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = helper                                          \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

static int sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load(const struct bpf_insn *insns, unsigned int nr)
{
	static const char licence[] = "GPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = nr;
	attr.license = (unsigned long)licence;
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

static int load_verdict(int verdict)
{
	struct bpf_insn insns[] = { MOV(BPF_REG_0, verdict), EXIT };

	return load(insns, 2);
}

static int load_redirect(int ifindex)
{
	struct bpf_insn insns[] = { MOV(BPF_REG_1, ifindex), MOV(BPF_REG_2, 0),
				    CALL(BPF_FUNC_redirect), EXIT };

	return load(insns, 4);
}

static int load_named(const char *name, int ifindex)
{
	static const char *const names[] = { "aborted", "drop", "pass", "tx" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i]))
			return load_verdict(i);
	return load_redirect(ifindex);
}

/* Return: descriptor; the program is off when it is closed */
static int attach(int prog, int ifindex)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (unsigned int)prog;
	attr.link_create.target_ifindex = (unsigned int)ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = XDP_FLAGS_DRV_MODE;
	return sys_bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	int ifindex, prog;

	if (argc != 4) {
		fprintf(stderr, "usage: xdpload INTERFACE pass|drop|tx|redirect SECONDS\n");
		return 2;
	}
	ifindex = (int)if_nametoindex(argv[1]);
	prog = load_named(argv[2], ifindex);
	if (prog < 0 || attach(prog, ifindex) < 0) {
		fprintf(stderr, "xdpload: %s on %s: %s\n", argv[2], argv[1], strerror(errno));
		return 1;
	}
	printf("attached\n");
	fflush(stdout);
	sleep((unsigned int)atoi(argv[3]));
	return 0;
}
