/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests to the kernel by netlink, each with its answer, by libmnl.
 *
 * One thread at a time. Calls block until the kernel has answered.
 */
#ifndef VIFD_PORT_KERNEL_REQUEST_H
#define VIFD_PORT_KERNEL_REQUEST_H

#include <stddef.h>

#include <libmnl/libmnl.h>

/**
 * struct requests - A socket for them; one that is all zero is closed
 * @seq: of the last request
 */
struct requests {
	struct mnl_socket *nl;
	unsigned int seq;
};

/** requests_open() - @bus: NETLINK_ROUTE ... Return: 0, -errno; closed then */
int requests_open(struct requests *requests, int bus);

/** requests_close() - A closed one is fine */
void requests_close(struct requests *requests);

/**
 * request() - Send @nlh, which has NLM_F_ACK set or is a dump, and wait for the kernel's answer
 * @cb:    called with @data for each message of the answer; NULL = they do not matter
 * @reply: @bytes for the longest message
 *
 * Return: 0, -errno of the kernel or the socket
 */
int request(struct requests *requests, struct nlmsghdr *nlh, mnl_cb_t cb, void *data, void *reply,
	    size_t bytes);

#endif
