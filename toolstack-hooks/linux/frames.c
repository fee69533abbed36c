// SPDX-License-Identifier: GPL-2.0
/* Frames that vifd copied because somebody captures: shown to packet sockets, and to nobody else. */
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include "vifd_rep.h"

/* Packet sockets have had it: this domain's stack and bridges get nothing. */
rx_handler_result_t rep_handle(struct sk_buff **skb)
{
	consume_skb(*skb);
	return RX_HANDLER_CONSUMED;
}

/*
 * With rcu_read_lock(). af_packet alone sets both members; a group of sockets (id_match) has no one
 * filter. Return: NULL: it wants all frames, or nobody knows
 */
static const struct sock_fprog_kern *filter_of(const struct packet_type *type)
{
	const struct sk_filter *filter;
	const struct sock *sk = type->af_packet_priv;

	if (!sk || !type->af_packet_net || type->id_match)
		return NULL;
	filter = rcu_dereference(sk->sk_filter);
	return filter ? filter->prog->orig_prog : NULL;
}

static bool same_filter(const struct rep_filter *filter, const struct sock_fprog_kern *code)
{
	return filter->len == code->len &&
	       !memcmp(filter->code, code->filter, code->len * sizeof(code->filter[0]));
}

void rep_filter(struct rep *rep, struct rep_filter *filter)
{
	const struct packet_type *type;
	bool first = true;

	filter->len = 0;
	rcu_read_lock();
	list_for_each_entry_rcu(type, &rep->dev->ptype_all, list) {
		const struct sock_fprog_kern *code = filter_of(type);

		if (!code || code->len > REP_FILTER_MAX || (!first && !same_filter(filter, code))) {
			filter->len = 0;
			break;
		}
		filter->len = code->len;
		memcpy(filter->code, code->filter, code->len * sizeof(code->filter[0]));
		first = false;
	}
	rcu_read_unlock();
}

static void show_received(struct net_device *dev, struct sk_buff *skb)
{
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

static void show_sent(struct net_device *dev, struct sk_buff *skb)
{
	skb->dev = dev;
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth_hdr(skb)->h_proto;
	local_bh_disable();
	dev_queue_xmit_nit(skb, dev);
	local_bh_enable();
	consume_skb(skb);
}

static int show(struct rep *rep, const struct rep_frame *frame, const char __user *from)
{
	struct sk_buff *skb = __netdev_alloc_skb_ip_align(rep->dev, frame->len, GFP_KERNEL);

	if (!skb)
		return -ENOMEM;
	if (copy_from_user(skb_put(skb, frame->len), from, frame->len)) {
		kfree_skb(skb);
		return -EFAULT;
	}
	if (frame->direction == REP_SENT)
		show_sent(rep->dev, skb);
	else
		show_received(rep->dev, skb);
	return 0;
}

/* A netdev that nobody captures from any more, or that is gone, gets nothing. */
static int take(const struct rep_frame *frame, const char __user *from)
{
	struct rep *rep = rep_slots[frame->slot];

	if (!rep || !netif_running(rep->dev) || list_empty(&rep->dev->ptype_all))
		return 0;
	return show(rep, frame, from);
}

ssize_t rep_write(const char __user *from, size_t len)
{
	struct rep_frame frame;
	size_t done = 0, bytes;
	int ret = 0;

	while (len - done >= sizeof(frame)) {
		if (copy_from_user(&frame, from + done, sizeof(frame)))
			return -EFAULT;
		bytes = sizeof(frame) + ALIGN(frame.len, 4);
		if (frame.slot >= REP_SLOTS_MAX || frame.direction > REP_SENT ||
		    frame.len < ETH_HLEN || frame.len > REP_FRAME_MAX || bytes > len - done)
			return -EINVAL;
		ret = take(&frame, from + done + sizeof(frame));
		if (ret)
			return ret;
		done += bytes;
		cond_resched();
	}
	return done;
}
