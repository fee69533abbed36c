/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_netlink.h"

#define PORTID 42

struct fake_netlink fake_netlink;

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid);
unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size);
int __wrap_mnl_socket_close(struct mnl_socket *nl);

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	(void)flags;
	assert_int_equal(bus, fake_netlink.bus);
	return (struct mnl_socket *)&fake_netlink;
}

int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return PORTID;
}

int __wrap_mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t size)
{
	(void)nl;
	fake_netlink.len = 0;
	memset(fake_netlink.answer, 0, sizeof(fake_netlink.answer));
	netlink_answer(buf);
	return (ssize_t)size;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	(void)nl;
	assert_true(fake_netlink.len <= size);
	memcpy(buf, fake_netlink.answer, fake_netlink.len);
	return (ssize_t)fake_netlink.len;
}

struct nlmsghdr *netlink_begin(const struct nlmsghdr *request, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(fake_netlink.answer + fake_netlink.len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = request->nlmsg_seq;
	nlh->nlmsg_pid = PORTID;
	return nlh;
}

void netlink_end(const struct nlmsghdr *nlh)
{
	fake_netlink.len += nlh->nlmsg_len;
}

void netlink_done(const struct nlmsghdr *request, uint16_t type, int error)
{
	struct nlmsghdr *nlh = netlink_begin(request, type);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	nlh->nlmsg_flags = type == NLMSG_DONE ? NLM_F_MULTI : 0;
	err->error = error;
	netlink_end(nlh);
}
