// SPDX-License-Identifier: BSD-3-Clause
/*
 * Acts as a misbehaving back end: maps a ring page of a running guest a second time and writes values into
 * it that no back end may write.
 *
 *     ringbreak DOMID GREF tx|rx index|id|status|offset|endless|short
 *
 *     index    the producer index runs beyond the requests
 *     id       a response for an id without a request
 *     status   a response with an impossible status
 *     offset   a received frame that leaves its page
 *     endless  a received frame without an end
 *     short    a received frame whose first page has one byte of it
 *
 * All but `index` write one response to the next slot (`short` two) and advance the producer index. Raw ioctls: dom0's initramfs has
 * no compiler, and the tool wants no library.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
/* gntdev.h expects these from Xen's headers */
typedef uint32_t grant_ref_t;
typedef uint16_t domid_t;
#include <xen/gntdev.h>

#include "../../common/ring.h"

static void *map_ring(uint32_t domid, uint32_t gref)
{
	struct ioctl_gntdev_map_grant_ref map = { .count = 1, .refs = { { domid, gref } } };
	int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
	void *page;

	if (fd < 0 || ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map))
		return NULL;
	page = mmap(NULL, NETIF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)map.index);
	return page == MAP_FAILED ? NULL : page;
}

static void push(struct netif_ring_indices *idx, uint32_t prod)
{
	__atomic_store_n(&idx->rsp_prod, prod, __ATOMIC_RELEASE);
}

static int break_tx(struct netif_tx_sring *ring, const char *how)
{
	uint32_t prod = ring->idx.rsp_prod;
	struct netif_tx_response *rsp = &ring->entry[prod % NETIF_RING_SIZE].rsp;

	if (!strcmp(how, "index")) {
		push(&ring->idx, prod + NETIF_RING_SIZE + 1);
		return 0;
	}
	rsp->status = NETIF_STATUS_OKAY;
	if (!strcmp(how, "id"))
		rsp->id = 0xfffe;
	else if (!strcmp(how, "status"))
		rsp->status = 0x55;
	else
		return -EINVAL;
	push(&ring->idx, prod + 1);
	return 0;
}

/* The frame's one byte and its rest. Return: the slot of the latter */
static uint32_t put_short(struct netif_rx_sring *ring, uint32_t prod)
{
	struct netif_rx_response *first = &ring->entry[prod++ % NETIF_RING_SIZE].rsp;
	struct netif_rx_response *rest = &ring->entry[prod % NETIF_RING_SIZE].rsp;

	first->status = 1;
	first->flags = NETIF_RXF_MORE_DATA;
	memset(rest, 0, sizeof(*rest));
	rest->id = prod % NETIF_RING_SIZE;
	rest->status = 1000;
	return prod;
}

static int break_rx(struct netif_rx_sring *ring, const char *how)
{
	uint32_t prod = ring->idx.rsp_prod;
	struct netif_rx_response *rsp = &ring->entry[prod % NETIF_RING_SIZE].rsp;

	if (!strcmp(how, "index")) {
		push(&ring->idx, prod + 2 * NETIF_RING_SIZE);
		return 0;
	}
	memset(rsp, 0, sizeof(*rsp));
	rsp->id = prod % NETIF_RING_SIZE;
	rsp->status = 60;
	if (!strcmp(how, "id"))
		rsp->id ^= 1;
	else if (!strcmp(how, "status"))
		rsp->status = 0x7fff;
	else if (!strcmp(how, "offset"))
		rsp->offset = NETIF_PAGE_SIZE - 59;
	else if (!strcmp(how, "endless"))
		rsp->flags = NETIF_RXF_MORE_DATA;
	else if (!strcmp(how, "short"))
		prod = put_short(ring, prod);
	else
		return -EINVAL;
	push(&ring->idx, prod + 1);
	return 0;
}

int main(int argc, char **argv)
{
	void *page;
	int ret;

	if (argc != 5) {
		fprintf(stderr,
			"usage: ringbreak DOMID GREF tx|rx index|id|status|offset|endless|short\n");
		return 2;
	}
	page = map_ring((uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2]));
	if (!page) {
		fprintf(stderr, "ringbreak: grant %s of domain %s: %s\n", argv[2], argv[1],
			strerror(errno));
		return 1;
	}
	ret = strcmp(argv[3], "tx") ? break_rx(page, argv[4]) : break_tx(page, argv[4]);
	if (ret)
		fprintf(stderr, "ringbreak: %s has no '%s'\n", argv[3], argv[4]);
	return ret ? 2 : 0;
}
