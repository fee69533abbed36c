/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end's view of a ring and the checks of its responses, independent
 * of the rest of the driver. Compiles in the kernel, and in user space for
 * hostile/, whose kernel.h replaces the kernel's headers.
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

/* Longest frame accepted from the back end: a full GSO frame with its header. */
#define VIFRONT_RX_FRAME_MAX (65536u + VLAN_ETH_HLEN)

/* A shared ring as the front end sees it; @size is a power of two. */
struct vifront_ring {
	struct netif_ring_indices *idx;
	u32 size;
	u32 req_prod;  /* private: next request to fill */
	u32 req_pushed; /* private: req_prod as last published */
	u32 rsp_cons;  /* private: next response to read */
};

enum vifront_tx_state {
	VIFRONT_TX_FREE,
	VIFRONT_TX_COPIED,  /* in flight, data in the id's buffer */
	VIFRONT_TX_GRANTED, /* in flight, a page of an skb is granted */
};

/* A received frame whose slots were checked: see vifront_rx_gather(). */
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

/* ring.c: indices of a ring; tested by selftest.c */
void vifront_ring_init(struct vifront_ring *r, struct netif_ring_indices *idx, u32 size);
u32 vifront_ring_free(const struct vifront_ring *r);
int vifront_ring_responses(const struct vifront_ring *r, u32 *prod);
bool vifront_ring_push(struct vifront_ring *r);
bool vifront_ring_want_event(struct vifront_ring *r, u32 after);

/* check.c: contents of responses; tested by selftest.c and hostile/ */
int vifront_rx_gather(struct vifront_ring *r, const union netif_rx_entry *entries, u32 prod,
		      struct vifront_rx_frame *f);
bool vifront_rx_takable(const struct vifront_rx_frame *f, unsigned int max_frags);
int vifront_tx_check(const struct netif_tx_response *rsp, const u8 *state, u32 extras);

#endif
