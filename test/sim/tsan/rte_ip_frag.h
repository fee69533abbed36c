/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's fragmentation as ThreadSanitizer can understand it: see rte_gso.h of this folder. */
#ifndef SIM_TSAN_RTE_IP_FRAG_H
#define SIM_TSAN_RTE_IP_FRAG_H

#include "rte_mbuf.h" /* this folder's */

#include_next <rte_ip_frag.h>

TSAN_NOT_SEEN int32_t tsan_ipv4_fragment_packet(struct rte_mbuf *frame, struct rte_mbuf **out,
						uint16_t max, uint16_t mtu,
						struct rte_mempool *direct,
						struct rte_mempool *indirect)
{
	int32_t nr = rte_ipv4_fragment_packet(frame, out, max, mtu, direct, indirect);

	for (int32_t i = 0; i < nr; i++)
		tsan_frame_got(out[i]);
	return nr;
}

#define rte_ipv4_fragment_packet tsan_ipv4_fragment_packet

#endif /* SIM_TSAN_RTE_IP_FRAG_H */
