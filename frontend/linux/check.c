// SPDX-License-Identifier: GPL-2.0
/*
 * Protects the guest from a hostile back end: copies each response out of the
 * ring once and checks the copy. The functions use nothing but their arguments,
 * so that selftest.c and hostile/ can call them as well.
 */
#include "check.h"

static int gather_extra(struct vifront_rx_frame *f, const struct netif_extra_info *extra)
{
	switch (extra->type) {
	case NETIF_EXTRA_GSO:
		if (!extra->u.gso.size || (extra->u.gso.type != NETIF_GSO_TCPV4 &&
					   extra->u.gso.type != NETIF_GSO_TCPV6))
			return -EINVAL;
		f->gso_size = extra->u.gso.size;
		f->gso_type = extra->u.gso.type;
		return 0;
	case NETIF_EXTRA_HASH:
		if (extra->u.hash.algorithm != NETIF_HASH_ALG_TOEPLITZ ||
		    extra->u.hash.type >= NETIF_HASH_TYPES)
			return -EINVAL;
		f->hashed = true;
		f->hash_l4 = extra->u.hash.type & 1;
		f->hash = get_unaligned_le32(extra->u.hash.value);
		return 0;
	case NETIF_EXTRA_XDP:
		return 0;
	}
	return -EINVAL;
}

/*
 * Reads the extra-infos that follow the first slot.
 * Return: 0, -EINVAL: drop the frame, -EPROTO: the last one is missing
 */
static int gather_extras(struct vifront_ring *r, const union netif_rx_entry *entries, u32 prod,
			 struct vifront_rx_frame *f)
{
	struct netif_extra_info extra;
	int rc = 0;

	do {
		if (r->rsp_cons == prod)
			return -EPROTO;
		memcpy(&extra, &entries[r->rsp_cons++ & (r->size - 1)].extra, sizeof(extra));
		barrier(); /* from here on only the copy is used */
		if (gather_extra(f, &extra))
			rc = -EINVAL;
	} while (extra.flags & NETIF_EXTRA_FLAG_MORE);
	return rc;
}

static int gather_slot(struct vifront_rx_frame *f, u16 slot, const struct netif_rx_response *rsp)
{
	if (rsp->status < 0)
		return -EIO;
	if (rsp->id != slot || (u32)rsp->offset + rsp->status > NETIF_PAGE_SIZE)
		return -EINVAL;
	if (!rsp->status)
		return 0; /* an empty slot carries nothing */
	if (f->nr_segs == ARRAY_SIZE(f->seg) || f->len + rsp->status > VIFRONT_RX_FRAME_MAX)
		return -EINVAL;
	f->seg[f->nr_segs].slot = slot;
	f->seg[f->nr_segs].offset = rsp->offset;
	f->seg[f->nr_segs].len = rsp->status;
	f->nr_segs++;
	f->len += rsp->status;
	return 0;
}

/**
 * vifront_rx_gather() - Read the slots of one frame and check them
 * @r:       Ring, rsp_cons != @prod; rsp_cons is advanced past the frame
 * @entries: The ring's entries, which the back end may rewrite at any time
 * @prod:    End of the responses, as set by vifront_ring_responses()
 * @f:       Filled in; the pages of the slots stay on the ring
 *
 * Any context, uses nothing but its arguments, never blocks, never logs.
 *
 * Return: 0; -EINVAL or -EIO: drop this frame; -EPROTO: its last slot is missing
 */
int vifront_rx_gather(struct vifront_ring *r, const union netif_rx_entry *entries, u32 prod,
		      struct vifront_rx_frame *f)
{
	struct netif_rx_response rsp;
	int rc = 0, err;
	bool first = true;
	u16 slot;

	f->nr_segs = 0;
	f->len = 0;
	f->gso_size = 0;
	f->gso_type = NETIF_GSO_NONE;
	f->hashed = false;
	do {
		if (r->rsp_cons == prod)
			return -EPROTO;
		slot = r->rsp_cons++ & (r->size - 1);
		memcpy(&rsp, &entries[slot].rsp, sizeof(rsp));
		barrier(); /* from here on only the copy is used */
		err = gather_slot(f, slot, &rsp);
		if (err)
			rc = err;
		if (!first)
			continue;
		first = false;
		f->flags = rsp.flags;
		err = rsp.flags & NETIF_RXF_EXTRA_INFO ? gather_extras(r, entries, prod, f) : 0;
		if (err == -EPROTO)
			return err;
		if (err)
			rc = err;
	} while (rsp.flags & NETIF_RXF_MORE_DATA);
	return rc ? rc : f->len < ETH_HLEN ? -EINVAL : 0;
}

/**
 * vifront_rx_takable() - May the frame's pages become the fragments of an skb?
 * @f:         Frame, as filled in by vifront_rx_gather()
 * @max_frags: Number of fragments that an skb has room for
 *
 * The stack reads the Ethernet header from the linear part without checking its
 * length, and the linear part is filled from the first segment only.
 *
 * Any context, never blocks, never logs.
 */
bool vifront_rx_takable(const struct vifront_rx_frame *f, unsigned int max_frags)
{
	return f->nr_segs <= max_frags && f->seg[0].len >= ETH_HLEN;
}

/**
 * vifront_tx_check() - Check that a response belongs to a request in flight
 * @rsp:    Private copy of the response
 * @state:  enum vifront_tx_state of each id, NETIF_RING_SIZE of them
 * @extras: Number of extra-infos in flight
 *
 * Any context, never blocks, never logs.
 *
 * Return: 1: it completes the request of its id; 0: it completes an extra-info;
 * -EPROTO: there is no such request
 */
int vifront_tx_check(const struct netif_tx_response *rsp, const u8 *state, u32 extras)
{
	if (rsp->status == NETIF_STATUS_NULL)
		return extras ? 0 : -EPROTO;
	if (rsp->status > NETIF_STATUS_NULL || rsp->id >= NETIF_RING_SIZE ||
	    state[rsp->id] == VIFRONT_TX_FREE)
		return -EPROTO;
	return 1;
}
