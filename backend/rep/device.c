/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "path/counters.h"
#include "path/mirror.h"

_Static_assert((int)COUNTERS <= (int)REP_COUNTERS_MAX, "a page has room for all counters");

#define SHOWN_BYTES (2u * (REP_FRAME_MAX + sizeof(struct rep_frame)))
#define PADDED(len) (((len) + 3u) & ~3u)

static int device = -1;

/* Frames for the kernel; of the thread that puts them. */
static uint8_t batch[SHOWN_BYTES];
static size_t batch_used;

static int set_up(int fd, const struct rep_limits *limits)
{
	static char names[COUNTERS + REP_FLAGS_MAX][REP_COUNTER_NAME];
	struct rep_setup setup = { .version = REP_VERSION,
				   .nr_counters = COUNTERS,
				   .mtu_min = limits->mtu_min,
				   .mtu_max = limits->mtu_max,
				   .nr_flags = limits->nr_flags,
				   .names = (uintptr_t)names };

	for (enum path_counter which = 0; which < COUNTERS; which++)
		snprintf(names[which], sizeof(names[which]), "%s", path_counter_name(which));
	memcpy(names + COUNTERS, limits->flags, sizeof(limits->flags));
	memcpy(setup.steps, limits->steps, sizeof(setup.steps));
	return ioctl(fd, REP_SETUP, &setup) ? -errno : 0;
}

int rep_open(const struct rep_limits *limits)
{
	int fd, ret;

	if (device >= 0)
		return 0;
	fd = open(REP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = set_up(fd, limits);
	if (ret)
		close(fd);
	else
		device = fd;
	return ret;
}

void rep_close(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

int rep_fd(void)
{
	return device;
}

struct rep_page *rep_create(struct rep_create *create)
{
	struct rep_page *page;
	int error;

	if (ioctl(device, REP_CREATE, create))
		return NULL;
	page = mmap(NULL, REP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		    (off_t)create->slot * REP_PAGE_BYTES);
	if (page != MAP_FAILED)
		return page;
	error = errno;
	ioctl(device, REP_DESTROY, &create->slot);
	errno = error;
	return NULL;
}

void rep_destroy(uint32_t slot, struct rep_page *page)
{
	munmap(page, REP_PAGE_BYTES);
	ioctl(device, REP_DESTROY, &slot);
}

int rep_set(const struct rep_state *state)
{
	return ioctl(device, REP_STATE, state) ? -errno : 0;
}

int rep_read_filter(struct rep_filter *filter)
{
	return ioctl(device, REP_FILTER, filter) ? -errno : 0;
}

bool rep_take(struct rep_request *request)
{
	return device >= 0 && read(device, request, sizeof(*request)) == sizeof(*request);
}

void rep_put(uint32_t slot, const struct rte_mbuf *frame)
{
	struct rep_frame head = { .slot = slot,
				  .direction = frame->port == MIRROR_TX ? REP_RECEIVED : REP_SENT,
				  .len = frame->pkt_len };

	if (frame->pkt_len > REP_FRAME_MAX)
		return;
	if (batch_used + sizeof(head) + PADDED(frame->pkt_len) > sizeof(batch))
		rep_flush();
	memcpy(batch + batch_used, &head, sizeof(head));
	batch_used += sizeof(head);
	for (const struct rte_mbuf *seg = frame; seg; seg = seg->next) {
		memcpy(batch + batch_used, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
		batch_used += seg->data_len;
	}
	batch_used = PADDED(batch_used);
}

void rep_flush(void)
{
	if (batch_used && device >= 0)
		(void)!write(device, batch, batch_used);
	batch_used = 0;
}
