/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's bursts as ThreadSanitizer can understand them; in builds with SANITIZE=thread only. What a
 * driver copies is not seen (test/sim/tsan.supp); here it counts as read or written by the burst.
 */
#ifndef SIM_TSAN_RTE_ETHDEV_H
#define SIM_TSAN_RTE_ETHDEV_H

#include_next <rte_ethdev.h>

#include "rte_mbuf.h" /* this folder's */

void __tsan_read_range(void *address, long bytes);
void __tsan_write_range(void *address, long bytes);

TSAN_NOT_SEEN uint16_t tsan_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **frames,
				     uint16_t nr)
{
	nr = rte_eth_rx_burst(port, queue, frames, nr);
	for (uint16_t i = 0; i < nr; i++) {
		tsan_frame_got(frames[i]);
		for (struct rte_mbuf *seg = frames[i]; seg; seg = seg->next)
			__tsan_write_range(rte_pktmbuf_mtod(seg, void *), seg->data_len);
	}
	return nr;
}

TSAN_NOT_SEEN uint16_t tsan_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **frames,
				     uint16_t nr)
{
	for (uint16_t i = 0; i < nr; i++) {
		for (struct rte_mbuf *seg = frames[i]; seg; seg = seg->next)
			__tsan_read_range(rte_pktmbuf_mtod(seg, void *), seg->data_len);
		tsan_frame_left(frames[i]);
	}
	return rte_eth_tx_burst(port, queue, frames, nr);
}

#define rte_eth_rx_burst tsan_rx_burst
#define rte_eth_tx_burst tsan_tx_burst

#endif /* SIM_TSAN_RTE_ETHDEV_H */
