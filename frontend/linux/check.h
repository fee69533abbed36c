/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end's view of a ring and the checks of what stands in it, without
 * the rest of the driver: compiles in the kernel, and in user space for
 * hostile/, where kernel.h stands for what is used of the kernel.
 */
#ifndef VIFRONT_CHECK_H
#define VIFRONT_CHECK_H

#ifdef __KERNEL__
#include <linux/if_vlan.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/barrier.h>
#else
#include "hostile/kernel.h"
#endif

#include "../../common/ring.h"

/* Longest frame taken from the back end: a full GSO frame and its header. */
#define VIFRONT_RX_FRAME_MAX (65536u + VLAN_ETH_HLEN)

/* A shared ring as its front end sees it; @size is a power of two. */
struct vifront_ring {
	struct netif_ring_indices *idx;
	u32 size;
	u32 req_prod;  /* private: next request to fill */
	u32 req_pushed; /* private: what the back end was shown of it */
	u32 rsp_cons;  /* private: next response to read */
};

enum vifront_tx_state {
	VIFRONT_TX_FREE,
	VIFRONT_TX_COPIED,  /* data in the slot's own page */
	VIFRONT_TX_GRANTED, /* an skb's page granted for this frame */
};

/* One received frame, its slots checked: see vifront_rx_gather(). */
struct vifront_rx_frame {
	unsigned int nr_segs;
	u32 len;
	u16 flags;                  /* of the first slot */
	u16 gso_size;
	u8 gso_type;                /* NETIF_GSO_* */
	bool hashed, hash_l4;
	u32 hash;
	struct {
		u16 slot, offset, len;
	} seg[NETIF_SLOTS_MIN];
};

/* ring.c: index arithmetic, no I/O; see selftest.c */
void vifront_ring_init(struct vifront_ring *r, struct netif_ring_indices *idx, u32 size);
u32 vifront_ring_free(const struct vifront_ring *r);
int vifront_ring_responses(const struct vifront_ring *r, u32 *prod);
bool vifront_ring_push(struct vifront_ring *r);
bool vifront_ring_want_event(struct vifront_ring *r, u32 after);

/* check.c: what responses say; see selftest.c */
int vifront_rx_gather(struct vifront_ring *r, const union netif_rx_entry *entries, u32 prod,
		      struct vifront_rx_frame *f);
bool vifront_rx_takable(const struct vifront_rx_frame *f, unsigned int most);
int vifront_tx_check(const struct netif_tx_response *rsp, const u8 *state, u32 extras);

#endif
