// SPDX-License-Identifier: GPL-2.0
/*
 * XDP. A frame is copied into a pool page with headroom before the program
 * sees it. This works with every back end, needs no headroom from it, and gives
 * the program a page that the back end could never write to. A frame that does
 * not fit into one page (GSO) becomes an skb and goes through generic XDP.
 *
 * Sent frames (XDP_TX, ndo_xdp_xmit) are copied into tx buffers, so that their
 * memory is free at once.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>
#include <linux/netdevice.h>

#include "vifront.h"

/* The tx queue of this CPU, which is shared with the stack and needs its lock. */
static struct vifront_queue *xdp_tx_queue(struct vifront *fe)
{
	unsigned int nr = READ_ONCE(fe->netdev->real_num_tx_queues);

	return &fe->queues[smp_processor_id() % nr];
}

static int xdp_send(struct vifront *fe, const void *data, u32 len, bool kick)
{
	struct vifront_queue *q = xdp_tx_queue(fe);
	struct netdev_queue *nq = netdev_get_tx_queue(fe->netdev, q->id);
	int rc = -ENETDOWN;

	__netif_tx_lock(nq, smp_processor_id());
	if (q->connected && !READ_ONCE(fe->broken) && netif_carrier_ok(fe->netdev) &&
	    len >= ETH_HLEN && len <= XEN_PAGE_SIZE) {
		rc = vifront_tx_frame(q, data, len);
		if (kick)
			vifront_tx_kick(q);
	}
	__netif_tx_unlock(nq);
	return rc;
}

static struct sk_buff *xdp_pass(struct vifront_queue *q, struct xdp_buff *xdp, struct page *page)
{
	struct sk_buff *skb = napi_build_skb(page_address(page), PAGE_SIZE);
	unsigned int meta = xdp->data - xdp->data_meta;

	if (!skb)
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	skb_put(skb, xdp->data_end - xdp->data);
	if (meta)
		skb_metadata_set(skb, meta);
	q->rx_stats.xdp_pass++;
	return skb;
}

/* Return: skb for the stack, or NULL. The caller recycles @page unless *keep was set. */
static struct sk_buff *xdp_verdict(struct vifront_queue *q, struct bpf_prog *prog,
				   struct xdp_buff *xdp, struct page *page, bool *keep,
				   bool *flush)
{
	struct net_device *dev = q->fe->netdev;
	struct sk_buff *skb = NULL;
	u32 act = bpf_prog_run_xdp(prog, xdp);

	switch (act) {
	case XDP_PASS:
		skb = xdp_pass(q, xdp, page);
		*keep = skb;
		return skb;
	case XDP_TX:
		if (xdp_send(q->fe, xdp->data, xdp->data_end - xdp->data, true))
			break;
		q->rx_stats.xdp_tx++;
		return NULL;
	case XDP_REDIRECT:
		if (xdp_do_redirect(dev, xdp, prog))
			break;
		q->rx_stats.xdp_redirect++;
		*keep = true;
		*flush = true;
		return NULL;
	case XDP_DROP:
		q->rx_stats.xdp_drop++;
		return NULL;
	case XDP_ABORTED:
		break;
	default:
		bpf_warn_invalid_xdp_action(dev, prog, act);
	}
	trace_xdp_exception(dev, prog, act);
	q->rx_stats.xdp_drop++;
	return NULL;
}

/* For a frame that does not fit into one page. */
static struct sk_buff *xdp_generic(struct vifront_queue *q, struct bpf_prog *prog,
				   const struct vifront_rx_frame *f)
{
	struct sk_buff *skb = vifront_rx_copy(q, f);

	if (!skb) {
		q->rx_stats.no_memory++;
		return NULL;
	}
	q->rx_stats.xdp_generic++;
	skb->dev = q->fe->netdev;
	skb_record_rx_queue(skb, q->id);
	skb_reset_mac_header(skb);
	__skb_pull(skb, ETH_HLEN); /* generic XDP puts the header back */
	if (vifront_compat_xdp_generic(prog, &skb) != XDP_PASS)
		return NULL;
	skb_push(skb, ETH_HLEN);
	return skb;
}

/**
 * vifront_xdp_run() - Run the program on a frame and carry out its verdict
 * @q:     Queue
 * @prog:  Program, under rcu_read_lock()
 * @f:     Frame, as filled in by vifront_rx_gather()
 * @flush: Set to true if the caller has to call xdp_do_flush()
 *
 * NAPI context. Counts the verdict.
 *
 * Return: the skb to deliver, or NULL if the frame went elsewhere
 */
struct sk_buff *vifront_xdp_run(struct vifront_queue *q, struct bpf_prog *prog,
				const struct vifront_rx_frame *f, bool *flush)
{
	struct sk_buff *skb;
	struct xdp_buff xdp;
	struct page *page;
	bool keep = false;

	if (f->len > VIFRONT_RX_LINEAR_MAX)
		return xdp_generic(q, prog, f);
	page = page_pool_dev_alloc_pages(q->rx.pool);
	if (!page) {
		q->rx_stats.no_memory++;
		return NULL;
	}
	xdp_init_buff(&xdp, PAGE_SIZE, &q->rx.xdp);
	xdp_prepare_buff(&xdp, page_address(page), XDP_PACKET_HEADROOM, f->len, true);
	vifront_rx_copy_out(q, f, 0, xdp.data, f->len);
	skb = xdp_verdict(q, prog, &xdp, page, &keep, flush);
	if (!keep)
		page_pool_recycle_direct(q->rx.pool, page);
	return skb;
}

/* ndo_bpf: under rtnl */
int vifront_xdp(struct net_device *dev, struct netdev_bpf *bpf)
{
	struct vifront *fe = netdev_priv(dev);
	struct bpf_prog *old;

	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	old = rtnl_dereference(fe->xdp_prog);
	rcu_assign_pointer(fe->xdp_prog, bpf->prog);
	if (old) {
		synchronize_net();
		bpf_prog_put(old);
	}
	return 0;
}

/* ndo_xdp_xmit: softirq. Return: number of frames sent; the core frees the others */
int vifront_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct vifront *fe = netdev_priv(dev);
	int i;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!READ_ONCE(fe->attached))
		return -ENETDOWN;
	for (i = 0; i < n; i++) {
		if (xdp_frame_has_frags(frames[i]) ||
		    xdp_send(fe, frames[i]->data, frames[i]->len,
			     i == n - 1 && (flags & XDP_XMIT_FLUSH)))
			break;
		xdp_return_frame_rx_napi(frames[i]);
	}
	if (i < n && i && (flags & XDP_XMIT_FLUSH)) {
		struct vifront_queue *q = xdp_tx_queue(fe);
		struct netdev_queue *nq = netdev_get_tx_queue(dev, q->id);

		__netif_tx_lock(nq, smp_processor_id());
		if (q->connected)
			vifront_tx_kick(q);
		__netif_tx_unlock(nq);
	}
	return i;
}
