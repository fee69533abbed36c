/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames through a VF port: what its worker calls; see vf.h. */
#include "vf_port.h"

/*
 * Hand frames to a port of the switch. Their receiver may keep them for long, so frames that lie in a
 * guest's pages are copied first; where there is no memory for that, they are dropped.
 */
static void carry(struct vf *vf, struct soft *to, struct rte_mbuf **pkts, uint16_t nr)
{
	uint64_t bytes = 0;
	uint16_t own = 0;

	for (uint16_t i = 0; i < nr; i++) {
		if (!offload_own(&pkts[i], vf->env->pool)) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		bytes += pkts[i]->pkt_len;
		pkts[own++] = pkts[i];
	}
	switch_deliver(to, pkts, own);
	atomic_fetch_add_explicit(&vf->carried_packets, own, memory_order_relaxed);
	atomic_fetch_add_explicit(&vf->carried_bytes, bytes, memory_order_relaxed);
	if (unlikely(own < nr))
		atomic_fetch_add_explicit(&vf->carried_lost, nr - own, memory_order_relaxed);
}

/* To the wire, as far as the VF's share of it goes. Return: frames that the device took */
static uint16_t to_wire(struct vf *vf, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint32_t bytes[PORT_BURST];
	uint8_t of[PORT_BURST];

	nr = wire_fits(&vf->port.wire, pkts, nr, bytes);
	for (uint16_t i = 0; i < nr; i++)
		groups_see(&vf->groups, pkts[i]);
	wire_classify(&vf->port.wire, pkts, nr, of);
	nr = eth_tx_burst(vf->eth, queue, pkts, nr);
	wire_sent(&vf->port.wire, bytes, of, nr);
	return nr;
}

uint16_t vf_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	struct vf *vf = (struct vf *)port;
	struct soft *to[PORT_BURST];
	uint16_t done = 0;

	nr = RTE_MIN(nr, PORT_BURST);
	switch_look_up(vf->env->sw, pkts, nr, to);
	roam_sent(&vf->roamer, &vf->echo, pkts, nr);
	while (done < nr) {
		uint16_t end = done + 1;
		uint16_t sent;

		while (end < nr && to[end] == to[done])
			end++;
		if (to[done]) {
			carry(vf, to[done], pkts + done, end - done);
			done = end;
			continue;
		}
		sent = to_wire(vf, queue, pkts + done, end - done);
		done += sent;
		if (done < end)
			break;
	}
	port->timed_us = eth_timed_us(vf->eth);
	return done;
}

/* Is this group frame one that the VF sent? Its own address never sends from elsewhere. */
static bool is_own(struct vf *vf, const struct rte_mbuf *frame, const struct rte_ether_addr *src)
{
	if (rte_is_same_ether_addr(src, &vf->port.mac) || roam_is_echo(&vf->echo, frame))
		return true;
	roam_wire_sent(&vf->roamer, src);
	return false;
}

/* Some NICs' switches return a VF's group frames to it: the guest would see its address in use. */
static bool reflected(struct vf *vf, const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	return unlikely(rte_is_multicast_ether_addr(&eth->dst_addr)) &&
	       is_own(vf, frame, &eth->src_addr);
}

uint16_t vf_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	struct vf *vf = (struct vf *)port;
	uint16_t good = 0;

	nr = eth_rx_burst(vf->eth, queue, pkts, nr);
	for (uint16_t i = 0; i < nr; i++) {
		if (likely(!reflected(vf, pkts[i]))) {
			pkts[good++] = pkts[i];
			continue;
		}
		atomic_fetch_add_explicit(&vf->reflected, 1, memory_order_relaxed);
		if (!vf->zc_rx) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		rte_pktmbuf_trim(pkts[i], pkts[i]->data_len);
		pkts[good++] = pkts[i];
	}
	port->timed_us = eth_timed_us(vf->eth);
	return good;
}

void vf_arm(struct port *port)
{
	port->timed_us = eth_arm(((struct vf *)port)->eth);
}

int vf_rx_fd(struct port *port, uint16_t queue)
{
	return eth_rx_fd(((struct vf *)port)->eth, queue);
}

bool vf_tx_idle(struct port *port)
{
	return eth_tx_idle(((struct vf *)port)->eth);
}

void vf_join(struct port *port, const uint8_t *group)
{
	groups_join(&((struct vf *)port)->groups, group);
}

void vf_tx_done(struct port *port)
{
	eth_tx_done(((struct vf *)port)->eth);
}

void vf_set_rx_source(struct port *port, struct port_rx_source *source)
{
	struct vf *vf = (struct vf *)port;

	vf->zc_rx = source != NULL;
	eth_set_rx_source(vf->eth, source);
}

int vf_end_rx_source(struct port *port, bool go_on)
{
	struct vf *vf = (struct vf *)port;

	vf->zc_rx = false;
	return eth_end_rx_source(vf->eth, go_on);
}

void vf_stats_get(struct port *port, struct port_stats *stats)
{
	struct vf *vf = (struct vf *)port;

	eth_stats_get(vf->eth, stats);
	stats->rx_packets -= atomic_load_explicit(&vf->reflected, memory_order_relaxed);
	stats->tx_packets += atomic_load_explicit(&vf->carried_packets, memory_order_relaxed);
	stats->tx_bytes += atomic_load_explicit(&vf->carried_bytes, memory_order_relaxed);
	stats->tx_errors += atomic_load_explicit(&vf->carried_lost, memory_order_relaxed);
	stats->tx_no_memory += atomic_load_explicit(&vf->carried_lost, memory_order_relaxed);
}

void vf_driver_counters(struct port *port,
			void (*take)(void *arg, const char *name, uint64_t value), void *arg)
{
	eth_driver_counters(((struct vf *)port)->eth, take, arg);
}
