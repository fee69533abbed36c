/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <errno.h>
#include <sys/socket.h>

int requests_open(struct requests *requests, int bus)
{
	int error;

	requests->nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (requests->nl && mnl_socket_bind(requests->nl, 0, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	error = errno;
	requests_close(requests);
	return -error;
}

void requests_close(struct requests *requests)
{
	if (requests->nl)
		mnl_socket_close(requests->nl);
	requests->nl = NULL;
}

int request(struct requests *requests, struct nlmsghdr *nlh, mnl_cb_t cb, void *data, void *reply,
	    size_t bytes)
{
	unsigned int portid = mnl_socket_get_portid(requests->nl);
	int ret;

	nlh->nlmsg_seq = ++requests->seq;
	if (mnl_socket_sendto(requests->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t len = mnl_socket_recvfrom(requests->nl, reply, bytes);

		if (len < 0)
			return -errno;
		ret = mnl_cb_run(reply, (size_t)len, requests->seq, portid, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}
