/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exchange of capabilities under traffic (doc/capability.md).
 *
 * When the back end's record changes we first give up what is lost, then acknowledge, then use
 * what is gained. Offloads that an application goes on using after they were lost are emulated by
 * the back end, so giving up is no more than not offering them any longer; the only thing that is
 * really given up is static grants.
 */
#include <unistd.h>

#include "pmd.h"

#define OWN_WORDS                                                                                  \
	(1u << VIFCAP_WORD_VERSION | 1u << VIFCAP_WORD_GENERATION | 1u << VIFCAP_WORD_MTU |        \
	 1u << VIFCAP_WORD_QUEUES | 1u << VIFCAP_WORD_TX_OFFLOADS |                                \
	 1u << VIFCAP_WORD_RX_OFFLOADS | 1u << VIFCAP_WORD_STATIC_GRANTS |                         \
	 1u << VIFCAP_WORD_FLAGS | 1u << VIFCAP_WORD_MAC)

/*
 * How long a wish may take to be answered: a back end holds changes of a record back, vifd for up to
 * 8 s if there are many. One that does not grant it is taken for a refusal if no other follows soon.
 */
#define WISH_MS 12000
#define WISH_STEP_MS 10
#define WISH_LAST_MS 1500

/* How long the first record of a connection may take: a back end writes one a second at most */
#define AWAIT_MS 1500

static void own_fill(const struct xf_port *port, struct vifcap *own)
{
	const struct xf_record *r = &port->record;

	memset(own, 0, sizeof(*own)); /* compared as bytes */
	own->present = OWN_WORDS;
	own->version = VIFCAP_VERSION;
	own->generation = r->own.generation ? r->own.generation : 1;
	own->mtu = XF_MTU_MAX;
	own->queues = port->nr_queues;
	own->tx_offloads = own->rx_offloads = VIFCAP_OFFLOADS_ALL;
	own->static_grants = port->args.static_grants ? 2 * NETIF_RING_SIZE : 0;
	own->flags = r->wished_flags;
	memcpy(own->mac, r->wishes_mac ? &r->wished_mac : &port->mac, sizeof(own->mac));
}

void xf_record_publish(struct xf_port *port)
{
	struct vifcap own;
	int err;

	if (!port->connected)
		return;
	own_fill(port, &own);
	if (!memcmp(&own, &port->record.own, sizeof(own)))
		return;
	if (port->record.own.present)
		own.generation = vifcap_next_generation(own.generation);
	err = xf_store_put_record(&port->store, &own);
	if (err)
		XF_LOG(WARNING, port, "cannot write the capability record: %s", strerror(-err));
	else
		port->record.own = own;
}

void xf_record_forget(struct xf_port *port)
{
	port->record.have = port->record.awaited = false;
	memset(&port->record.theirs, 0, sizeof(port->record.theirs));
	memset(&port->record.own, 0, sizeof(port->record.own));
}

static void apply(struct xf_port *port, const struct vifcap *now)
{
	struct xf_record *r = &port->record;
	bool maps = !vifcap_has(now, VIFCAP_WORD_STATIC_GRANTS) || now->static_grants;

	if (!maps && xf_static_del(port))
		XF_LOG(WARNING, port, "the back end does not undo its mappings");
	r->theirs = *now;
	r->have = true;
	r->changes++;
	if (xf_store_put(&port->store, XBT_NULL, VIFCAP_NODE_ACK, now->generation))
		return;
	if (maps)
		xf_static_add(port);
}

bool xf_record_read(struct xf_port *port)
{
	struct xf_record *r = &port->record;
	struct vifcap now;
	int err = xf_store_record(&port->store, &now);

	if (err == -EINVAL) {
		if (!r->refused++)
			XF_LOG(WARNING, port, "the back end's capability record is not valid");
		return false;
	}
	if (err || (r->have && now.generation == r->theirs.generation))
		return false;
	apply(port, &now);
	return true;
}

bool xf_record_await(struct xf_port *port)
{
	struct xf_record *r = &port->record;

	for (int ms = 0; !r->have && !r->awaited && ms < AWAIT_MS; ms += WISH_STEP_MS)
		if (!xf_record_read(port))
			usleep(WISH_STEP_MS * 1000);
	r->awaited = true;
	return r->have;
}

static const struct {
	uint32_t cap;
	uint64_t dpdk;
} offloads[] = {
	{ VIFCAP_CSUM4, RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM },
	{ VIFCAP_GSO4, RTE_ETH_TX_OFFLOAD_TCP_TSO },
	{ VIFCAP_SG, RTE_ETH_TX_OFFLOAD_MULTI_SEGS },
};

/* By the keys: what a back end without a record accepts */
static uint32_t offered(const struct xf_offer *o)
{
	return (o->csum4 ? VIFCAP_CSUM4 : 0) | (o->csum6 ? VIFCAP_CSUM6 : 0) |
	       (o->gso4 ? VIFCAP_GSO4 : 0) | (o->gso6 ? VIFCAP_GSO6 : 0) | (o->sg ? VIFCAP_SG : 0);
}

uint64_t xf_record_tx_offloads(const struct xf_port *port)
{
	const struct vifcap *theirs = &port->record.theirs;
	uint64_t have = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_VLAN_INSERT |
			RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	uint32_t caps = offered(&port->offer);

	if (port->record.have && vifcap_has(theirs, VIFCAP_WORD_TX_OFFLOADS))
		caps &= theirs->tx_offloads;
	for (size_t i = 0; i < RTE_DIM(offloads); i++)
		if (caps & offloads[i].cap)
			have |= offloads[i].dpdk;
	/* DPDK has one word for IPv4 and IPv6 */
	if (!(caps & VIFCAP_CSUM6))
		have &= ~offloads[0].dpdk;
	if (!(caps & VIFCAP_GSO6) || !(caps & VIFCAP_SG))
		have &= ~offloads[1].dpdk;
	return have;
}

uint32_t xf_record_mtu(const struct xf_port *port)
{
	uint32_t most = port->offer.sg ? XF_MTU_MAX : XF_MTU_ONE_PAGE;

	if (port->record.have && vifcap_has(&port->record.theirs, VIFCAP_WORD_MTU))
		most = RTE_MIN(most, port->record.theirs.mtu);
	return most;
}

/* Waits for the back end's answer to a wish; the watcher reads it. Return: it was granted */
static bool answered(struct xf_port *port, bool (*met)(const struct xf_port *port))
{
	uint64_t changes = port->record.changes;
	int left = WISH_MS;

	for (; left > 0; left -= WISH_STEP_MS) {
		bool done;

		xf_lock(port);
		done = met(port);
		if (port->record.changes != changes) {
			changes = port->record.changes;
			left = RTE_MIN(left, WISH_LAST_MS);
		}
		xf_unlock(port);
		if (done)
			return true;
		usleep(WISH_STEP_MS * 1000);
	}
	return false;
}

static bool promiscuous_is(const struct xf_port *port)
{
	return port->record.theirs.flags & VIFCAP_FLAG_PROMISC;
}

/* A back end without a record delivers what its switch sends here, and there is nobody to ask */
int xf_promiscuous_enable(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);
	const struct vifcap *theirs = &port->record.theirs;
	bool ask;
	int err = 0;

	xf_lock(port);
	ask = port->record.have;
	if (ask && (!vifcap_has(theirs, VIFCAP_WORD_FLAGS_ALLOWED) ||
		    !(theirs->flags_allowed & VIFCAP_FLAG_PROMISC)))
		err = -ENOTSUP;
	if (!err)
		port->record.wished_flags |= VIFCAP_FLAG_PROMISC;
	if (!err && ask)
		xf_record_publish(port);
	if (port->started && port->offer.dynamic_multicast)
		xf_store_put(&port->store, XBT_NULL, "request-multicast-control", 0);
	xf_unlock(port);
	if (!err && ask && !answered(port, promiscuous_is))
		err = -ENOTSUP;
	if (err)
		XF_LOG(NOTICE, port,
		       "the host does not let this interface be promiscuous "
		       "(policy of the vif: guest-promiscuous)");
	return err;
}

int xf_promiscuous_disable(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);

	xf_lock(port);
	port->record.wished_flags &= ~VIFCAP_FLAG_PROMISC;
	xf_record_publish(port);
	if (port->started && port->offer.dynamic_multicast)
		xf_store_put(&port->store, XBT_NULL, "request-multicast-control",
			     !dev->data->all_multicast);
	xf_unlock(port);
	return 0;
}

static bool mac_is_wished(const struct xf_port *port)
{
	const struct xf_record *r = &port->record;

	return vifcap_has(&r->theirs, VIFCAP_WORD_MAC) &&
	       !memcmp(r->theirs.mac, &r->wished_mac, sizeof(r->wished_mac));
}

int xf_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *mac)
{
	struct xf_port *port = xf_port_of(dev);
	bool ask;

	xf_lock(port);
	ask = port->record.have;
	port->record.wished_mac = *mac;
	port->record.wishes_mac = true;
	xf_record_publish(port);
	xf_unlock(port);
	/* ethdev sets it again after each start, when the record is not here yet */
	if (!ask || rte_is_same_ether_addr(mac, &port->mac) || answered(port, mac_is_wished)) {
		port->mac = *mac;
		return 0;
	}
	xf_lock(port);
	port->record.wishes_mac = false;
	xf_record_publish(port);
	xf_unlock(port);
	XF_LOG(NOTICE, port, "the host refuses the address (policy of the vif: guest-mac)");
	return -EPERM;
}
