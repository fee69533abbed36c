/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames through an ethdev: the calls of its worker; see eth.h. */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_net.h>

#include "base/vlan.h"
#include "device.h"
#include "port/memory.h"
#include "told.h"

/* the longest IP header, with options and extensions, that an mbuf can describe */
#define L3_MAX ((1u << RTE_MBUF_L3_LEN_BITS) - 1)
/* shortest frame for a device of our own, and what Ethernet pads frames to, without the FCS */
#define DEVICE_FRAME_MIN 17u
#define PADDED_BYTES 60u
/* a device that does not tell of arrivals is polled at these intervals, microseconds */
#define ASK_US_MIN 100u
#define ASK_US_MAX 1000u
/* a netdev without room is asked again this often, microseconds */
#define ROOM_LOOK_US 100u
/* an idle socket is asked for its error this often, microseconds */
#define CHECK_US 1000u
/* a netdev is stuck if it has frames and has sent none at so many looks in a row, so far apart */
#define STUCK_LOOKS 10u
#define STUCK_LOOK_US 25000u

static void count(_Atomic uint64_t *counter, uint64_t add)
{
	atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

/*
 * Fill in a checksum that a sender on this host left unfinished, as the kernel's stack would do. The
 * sender may be somebody's guest: frames with incomplete headers stay as they are.
 */
static void finish_checksum(struct rte_mbuf *frame)
{
	struct rte_net_hdr_lens lens;
	uint32_t type = offload_headers(frame, &lens);
	uint64_t flags = RTE_ETH_IS_IPV4_HDR(type) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;

	if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP)
		flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	else if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_UDP)
		flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	else
		return;
	if (lens.l2_len + lens.l3_len + lens.l4_len > frame->data_len || lens.l3_len > L3_MAX)
		return;
	frame->l2_len = lens.l2_len;
	frame->l3_len = lens.l3_len;
	frame->ol_flags |= flags;
	offload_checksum(frame);
	frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	frame->tx_offload = 0;
}

/* Repair a frame of net_af_packet (afpacket.h). Return: false: it is to be dropped */
static bool rx_repair(struct rte_mbuf *frame, const struct afp_rx *info)
{
	if (info->drop)
		return false;
	frame->ol_flags = info->checksum_good ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0;
	if (info->tpid)
		rte_pktmbuf_mtod(frame, struct rte_ether_hdr *)->ether_type =
			rte_cpu_to_be_16(info->tpid);
	if (info->checksum_missing)
		finish_checksum(frame);
	return true;
}

/* Has the time come? Then the next one is @us from now. */
static bool due(uint64_t *next, uint32_t us)
{
	uint64_t now = rte_get_timer_cycles();

	if (now < *next)
		return false;
	*next = now + rte_get_timer_hz() / 1000000 * us;
	return true;
}

static void queue_check(struct eth *eth, struct eth_queue *queue)
{
	char name[IF_NAMESIZE];
	int error;

	if (!due(&queue->next_check, CHECK_US))
		return;
	error = afp_error(&queue->afp);
	if (error && !eth_netdev(eth, name))
		told_set(&eth->gone, true);
}

void eth_drop_pending(struct eth_queue *queue)
{
	rte_pktmbuf_free_bulk(queue->pending + queue->pending_first, queue->pending_nr);
	count(&queue->tx_errors, queue->pending_nr);
	queue->pending_nr = 0;
	queue->pending_first = 0;
}

/* Return: frames that the device took */
static uint16_t device_tx(struct eth *eth, struct eth_queue *queue, struct rte_mbuf **pkts,
			  uint16_t nr)
{
	if (eth->direct) {
		nr = rte_eth_tx_burst(eth->port_id, queue->index, pkts,
				      sent_offer(&queue->sent, pkts, nr));
		sent_taken(&queue->sent, nr);
		return nr;
	}
	nr = afp_tx_room(&queue->afp, nr);
	if (nr > 0)
		nr = rte_eth_tx_burst(eth->port_id, 0, pkts, nr);
	if (nr > 0) {
		afp_tx_done(&queue->afp, nr);
		queue->stalled = true;
	}
	return nr;
}

/* A packet socket lets only frames with a tag of 802.1Q be longer than the netdev's MTU says. */
static uint32_t longest_of(const struct eth *eth, const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *hdr = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	return hdr->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) ? eth->frame_max :
									  eth->plain_max;
}

/*
 * Can the device send the frame as it is? VFs of several kinds stop at frames that are shorter than
 * DEVICE_FRAME_MIN, although they pad longer ones (igb, ixgbe, iavf in Linux do as is done here).
 */
static bool is_ready(const struct eth *eth, struct rte_mbuf *frame)
{
	uint32_t longest = frame->pkt_len;

	/* virtio and vmxnet3 do all but this, of a frame that they cut as well */
	if (eth->device_does & UNFINISHED_PAYLOAD && !(eth->device_does & RTE_MBUF_F_TX_IP_CKSUM))
		offload_ip_checksum(frame);
	if (frame->ol_flags & UNFINISHED & ~eth->device_does ||
	    frame->pkt_len < (eth->direct ? DEVICE_FRAME_MIN : RTE_ETHER_HDR_LEN))
		return false;
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		longest =
			(uint32_t)frame->l2_len + frame->l3_len + frame->l4_len + frame->tso_segsz;
	return longest <= eth->plain_max || longest <= longest_of(eth, frame);
}

/* How many frames, from the first on, may go as they are? The driver has the last word. */
static uint16_t ready_frames(const struct eth *eth, const struct eth_queue *queue,
			     struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t i;

	for (i = 0; i < nr; i++)
		if (!is_ready(eth, pkts[i]))
			break;
	if (i == 0 || !eth->device_does)
		return i;
	return rte_eth_tx_prepare(eth->port_id, queue->index, pkts, i);
}

/* Give the device the frames that wait. Return: true: none waits any more */
static bool queue_flush(struct eth *eth, struct eth_queue *queue)
{
	while (queue->pending_nr > 0) {
		uint16_t nr = RTE_MIN(queue->pending_nr, PORT_BURST);

		nr = device_tx(eth, queue, queue->pending + queue->pending_first, nr);
		if (nr == 0)
			break;
		queue->pending_first += nr;
		queue->pending_nr -= nr;
	}
	if (queue->pending_nr == 0)
		queue->pending_first = 0;
	return queue->pending_nr == 0;
}

/* Frames of the ring that the netdev had no room for are sent when it is asked again. */
static void queue_kick(struct eth *eth, struct eth_queue *queue)
{
	int ret = afp_tx_kick(&queue->afp);

	queue->stalled = ret != 0;
	eth->down = ret < 0;
	if (ret == -ENODEV) {
		queue->stalled = false;
		told_set(&eth->gone, true);
		eth_drop_pending(queue);
	}
}

/* Is the netdev stuck? If the machine stands still for a while, that is one look, not many. */
static void queue_check_stuck(struct eth *eth, struct eth_queue *queue)
{
	if (eth->direct || !due(&queue->next_look, STUCK_LOOK_US))
		return;
	if (afp_tx_idle(&queue->afp) || queue->afp.tx_freed != queue->freed)
		queue->looks = 0;
	else if (queue->looks < STUCK_LOOKS)
		queue->looks++;
	queue->freed = queue->afp.tx_freed;
	told_set(&eth->stuck, queue->looks == STUCK_LOOKS);
}

static void queue_progress(struct eth *eth, struct eth_queue *queue)
{
	queue_check_stuck(eth, queue);
	if (queue->stalled && due(&queue->next_kick, ROOM_LOOK_US))
		queue_kick(eth, queue);
	if (queue->pending_nr > 0)
		queue_flush(eth, queue);
}

/* Return: false: its buffer has no room */
static bool frame_pad(struct rte_mbuf *frame)
{
	uint16_t missing = (uint16_t)(PADDED_BYTES - frame->pkt_len);
	char *padding = rte_pktmbuf_append(frame, missing);

	if (!padding)
		return false;
	memset(padding, 0, missing);
	return true;
}

/* Do a frame's offloads, and cut it to the wire's length. Return: frames in @out, -errno */
static int frame_cut(struct eth *eth, struct rte_mbuf *frame, struct rte_mbuf **out)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t longest, l2;

	if (frame->pkt_len < RTE_ETHER_HDR_LEN)
		return -EINVAL;
	longest = longest_of(eth, frame);
	l2 = vlan_skip(bytes, frame->data_len, VLAN_OUTERMOST) + sizeof(uint16_t);
	if (frame->pkt_len > longest)
		offload_shorten(frame, (uint16_t)(longest - l2));
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return offload_segment(&eth->offload, frame, out, OFFLOAD_SEGMENTS_MAX);
	offload_checksum(frame);
	if (unlikely(frame->pkt_len < DEVICE_FRAME_MIN) && eth->direct && !frame_pad(frame))
		return -EINVAL;
	if (frame->pkt_len > longest)
		return offload_fragment(&eth->offload, frame, (uint16_t)(longest - l2), out,
					OFFLOAD_SEGMENTS_MAX);
	out[0] = frame;
	return 1;
}

/*
 * Append to @pending, as frames that the device takes; there is room for any one frame. A frame
 * that can't be sent is dropped: it must not hold up others, for want of memory neither.
 */
static void queue_prepare(struct eth *eth, struct eth_queue *queue, struct rte_mbuf *frame)
{
	struct rte_mbuf **out = queue->pending + queue->pending_first + queue->pending_nr;
	int ret;

	if (eth->device_does && ready_frames(eth, queue, &frame, 1)) {
		out[0] = frame;
		queue->pending_nr++;
		return;
	}
	ret = frame_cut(eth, frame, out);
	if (ret < 0 || out[0]->pkt_len > longest_of(eth, out[0])) {
		if (ret > 0)
			rte_pktmbuf_free_bulk(out, ret);
		else
			rte_pktmbuf_free(frame);
		count(&queue->tx_errors, 1);
		count(&queue->tx_no_memory, ret == -ENOMEM);
		return;
	}
	queue->pending_nr += ret;
}

/* A full netdev that is down or stuck: frames for it are not kept, as Linux would not keep them. */
static bool sends_nothing(const struct eth *eth, struct eth_queue *queue)
{
	return unlikely(eth->down || atomic_load_explicit(&eth->stuck, memory_order_relaxed)) &&
	       !afp_tx_room(&queue->afp, 1);
}

static uint16_t drop_all(struct eth_queue *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	rte_pktmbuf_free_bulk(pkts, nr);
	count(&queue->tx_errors, nr);
	return nr;
}

uint16_t eth_tx_burst(struct eth *eth, uint16_t index, struct rte_mbuf **pkts, uint16_t nr)
{
	struct eth_queue *queue = &eth->queues[index];
	uint16_t taken;

	if (atomic_load_explicit(&eth->gone, memory_order_relaxed))
		return drop_all(queue, pkts, nr);
	queue_progress(eth, queue);
	if (sends_nothing(eth, queue))
		return drop_all(queue, pkts, nr);
	taken = queue->pending_nr > 0 ? 0 : ready_frames(eth, queue, pkts, nr);
	if (taken > 0)
		taken = device_tx(eth, queue, pkts, taken);
	for (; taken < nr; taken++) {
		if (queue->pending_first + queue->pending_nr >= PORT_BURST &&
		    !queue_flush(eth, queue))
			break;
		queue_prepare(eth, queue, pkts[taken]);
	}
	queue_flush(eth, queue);
	if (queue->stalled && due(&queue->next_kick, ROOM_LOOK_US))
		queue_kick(eth, queue);
	return taken;
}

/*
 * Of the function's rx flags only a good checksum is passed on. "None" is that of a sender on the
 * function's own host (virtio), which left it unfinished.
 */
static void direct_repair(struct rte_mbuf *frame)
{
	uint64_t known = frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	frame->ol_flags = known == RTE_MBUF_F_RX_L4_CKSUM_GOOD ? known : 0;
	if (unlikely(known == RTE_MBUF_F_RX_L4_CKSUM_NONE))
		finish_checksum(frame);
}

static uint16_t direct_rx(struct eth *eth, uint16_t index, struct rte_mbuf **pkts, uint16_t nr)
{
	nr = rte_eth_rx_burst(eth->port_id, index, pkts, nr);
	if (nr == 0)
		return 0;
	eth->last_rx = rte_get_timer_cycles();
	for (uint16_t i = 0; eth->rx_checksum && i < nr; i++)
		direct_repair(pkts[i]);
	return nr;
}

/*
 * Receivers may keep frames for long. When they have half of the large buffers, they get copies in
 * ordinary ones, of which each may have its share. Return: frames left
 */
static uint16_t rx_spare(struct eth *eth, struct eth_queue *queue, struct rte_mbuf **pkts,
			 uint16_t nr)
{
	uint16_t left = 0;

	if (likely(!eth->own_pool) || memory_free(eth->own_pool) >= eth->own_pool->size / 2)
		return nr;
	for (uint16_t i = 0; i < nr; i++) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(pkts[i], eth->pool, 0, UINT32_MAX);

		rte_pktmbuf_free(pkts[i]);
		if (copy)
			pkts[left++] = copy;
		else
			count(&queue->rx_errors, 1);
	}
	return left;
}

uint16_t eth_rx_burst(struct eth *eth, uint16_t index, struct rte_mbuf **pkts, uint16_t nr)
{
	struct eth_queue *queue = &eth->queues[index];
	struct afp_rx info[PORT_BURST];
	uint16_t good = 0;

	if (atomic_load_explicit(&eth->gone, memory_order_relaxed))
		return 0;
	queue_progress(eth, queue);
	if (eth->direct)
		return direct_rx(eth, index, pkts, nr);
	nr = afp_rx_peek(&queue->afp, info, RTE_MIN(nr, PORT_BURST));
	if (nr == 0) {
		queue_check(eth, queue);
		return 0;
	}
	nr = rte_eth_rx_burst(eth->port_id, 0, pkts, nr);
	afp_rx_done(&queue->afp, nr);
	for (uint16_t i = 0; i < nr; i++) {
		if (rx_repair(pkts[i], &info[i])) {
			pkts[good++] = pkts[i];
			continue;
		}
		rte_pktmbuf_free(pkts[i]);
		count(&queue->rx_errors, 1);
	}
	return rx_spare(eth, queue, pkts, good);
}

int eth_rx_fd(const struct eth *eth, uint16_t index)
{
	const struct eth_queue *queue = &eth->queues[index];

	return eth->direct ? queue->interrupt.fd : queue->afp.fd;
}

/* The longer nothing came, the less often the device is polled. */
static uint32_t poll_interval_us(const struct eth *eth)
{
	uint64_t idle = rte_get_timer_cycles() - eth->last_rx;
	uint64_t us = idle / (rte_get_timer_hz() / 1000000) / 8;

	return (uint32_t)RTE_MIN(RTE_MAX(us, ASK_US_MIN), ASK_US_MAX);
}

bool eth_tx_pending(const struct eth *eth)
{
	for (uint16_t i = 0; i < eth->nr_queues; i++)
		if (eth->queues[i].pending_nr > 0)
			return true;
	return false;
}

static bool anything_waits(const struct eth *eth)
{
	for (uint16_t i = 0; i < eth->nr_queues; i++)
		if (eth->queues[i].stalled || eth->queues[i].pending_nr > 0)
			return true;
	return false;
}

uint32_t eth_timed_us(const struct eth *eth)
{
	if (anything_waits(eth))
		return ROOM_LOOK_US;
	if (eth->direct)
		return poll_interval_us(eth);
	/* even if there is nothing more to send, see whether it sends what it has */
	return eth->queues[0].afp.tx_busy > 0 && !eth_gone(eth) ? STUCK_LOOK_US : 0;
}

uint32_t eth_arm(struct eth *eth)
{
	bool tells = eth->direct && !anything_waits(eth) && !eth_gone(eth);

	for (uint16_t i = 0; tells && i < eth->nr_queues; i++)
		tells = interrupt_arm(&eth->queues[i].interrupt);
	return tells ? 0 : eth_timed_us(eth);
}

bool eth_tx_idle(struct eth *eth)
{
	bool idle = true;

	/* its frames go nowhere: do not wait for them */
	if (eth_gone(eth) || eth->down || atomic_load_explicit(&eth->stuck, memory_order_relaxed))
		return true;
	for (struct eth_queue *q = eth->queues; q < eth->queues + eth->nr_queues; q++) {
		queue_progress(eth, q);
		idle = idle && q->pending_nr == 0 && (eth->direct || afp_tx_idle(&q->afp));
	}
	return idle;
}
