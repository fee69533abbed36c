/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may change while a vif is connected: rate, link, multicast filter, XDP
 * headroom. Read from xenstore at every update, told to the path as a whole and
 * only when it differs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vif.h"

LOG_TAG("vif");

/* A link that changes is seen this soon. */
#define LINK_LOOK_US 1000000u

#define MTU_MIN 68u
#define MTU_MAX 9000u

/* Room for data must remain in the first buffer. */
#define HEADROOM_MAX (NETIF_PAGE_SIZE / 2)

/* "<bytes per interval>,<interval in us>", as libxl and xapi write it; absent = unlimited. */
static void read_rate(struct vif *vif, struct path_live *live)
{
	char text[64], *end;
	unsigned long long bytes, us;

	if (store_get_text(vif->host->store, vif->backend, "rate", text, sizeof(text)) < 0)
		return;
	errno = 0;
	bytes = strtoull(text, &end, 10);
	us = *end == ',' ? strtoull(end + 1, &end, 10) : 0;
	if (errno || *end || !bytes || !us || text[0] < '0' || text[0] > '9') {
		if (log_allowed(&vif->limit))
			log_warn("%s: rate \"%s\" is not <bytes>,<us>: not limited", vif->name,
				 text);
		return;
	}
	live->rate_bytes = bytes;
	live->rate_us = us;
}

void vif_read_live(struct vif *vif, struct path_live *live)
{
	struct store *store = vif->host->store;
	uint32_t headroom, mtu = RTE_ETHER_MTU;

	memset(live, 0, sizeof(*live));
	live->policy.mac = vif->mac;
	live->policy.anti_spoof = true;
	live->link = !store_get_flag(store, vif->frontend, "disconnect", false);
	live->mcast_filter =
		store_get_flag(store, vif->frontend, "request-multicast-control", false);
	if (!store_get_u32(store, vif->frontend, "xdp-headroom", 0, HEADROOM_MAX, &headroom))
		live->xdp_headroom = (uint16_t)headroom;
	store_get_u32(store, vif->backend, "mtu", MTU_MIN, MTU_MAX, &mtu);
	live->mtu = (uint16_t)mtu;
	read_rate(vif, live);
}

struct live_call {
	struct path *path;
	const struct path_live *live;
};

static int run_set_live(struct worker *worker, void *arg)
{
	struct live_call *call = arg;

	(void)worker;
	path_set_live(call->path, call->live);
	return 0;
}

static void write_carrier(struct vif *vif)
{
	struct port_link link = { .up = true };
	int carrier;

	vif->path->port->ops->link_get(vif->path->port, &link);
	carrier = link.up && vif->live.link;
	if (carrier == vif->carrier)
		return;
	if (vif->carrier >= 0)
		log_info("%s: link %s", vif->name, carrier ? "up" : "down");
	vif->carrier = carrier;
	store_put(vif->host->store, vif->backend, "carrier", "%d", carrier);
}

void vif_update_live(struct vif *vif, uint64_t now_us)
{
	struct path_live live;

	vif_read_live(vif, &live);
	if (memcmp(&live, &vif->live, sizeof(live))) {
		vif->live = live;
		worker_run(vif->worker, run_set_live,
			   &(struct live_call){ .path = vif->path, .live = &vif->live });
	}
	write_carrier(vif);
	vif_due(vif, now_us + LINK_LOOK_US);
}
