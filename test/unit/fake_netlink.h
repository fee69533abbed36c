/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A kernel at the other end of a netlink socket. A test that links it must wrap
 * mnl_socket_open2 mnl_socket_bind mnl_socket_get_portid mnl_socket_sendto mnl_socket_recvfrom
 * mnl_socket_close, and define netlink_answer().
 */
#ifndef VIFD_TEST_FAKE_NETLINK_H
#define VIFD_TEST_FAKE_NETLINK_H

#include <stddef.h>

#include <libmnl/libmnl.h>

/** struct fake_netlink - @bus: that is opened; @answer, @len: to the last request */
extern struct fake_netlink {
	int bus;
	char answer[8192];
	size_t len;
} fake_netlink;

/** netlink_answer() - The test's: append the answer to @request */
void netlink_answer(const struct nlmsghdr *request);

/** netlink_begin() - A message of the answer, which the caller fills and ends with netlink_end() */
struct nlmsghdr *netlink_begin(const struct nlmsghdr *request, uint16_t type);

/** netlink_end() - The message is complete */
void netlink_end(const struct nlmsghdr *nlh);

/** netlink_done() - The answer's last message: NLMSG_ERROR with @error, or NLMSG_DONE of a dump */
void netlink_done(const struct nlmsghdr *request, uint16_t type, int error);

#endif
