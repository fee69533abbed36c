/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulated NIC that accepts rte_flow rules, for the real vifd: loaded before DPDK's libraries
 * (LD_PRELOAD), it answers rte_flow's calls, and from the first one on the device, a
 * net_null, carries frames between vifd and the netdev $FLOWNIC_WIRE, except those that
 * the rules drop. $FLOWNIC_STATE is a file from which others read struct state.
 *
 * Rules are matched as rte_flow.h describes them: masked addresses, masked VLAN of the
 * outermost tag, action DROP, with COUNT before it or without. One device at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_flow.h>

#define FRAME_MAX 2048u
#define MBUFS 255u
#define ADDRESSES (2u * RTE_ETHER_ADDR_LEN)

struct rte_flow {
	LIST_ENTRY(rte_flow) link;
	bool egress, tagged;
	struct rte_ether_hdr eth, eth_mask;
	uint16_t tci, tci_mask;
	bool counts;
	uint64_t hits;
};

/* struct state - Present rules, rules ever made, frames that they dropped each way */
struct state {
	_Atomic uint64_t rules, made, dropped_in, dropped_out;
};

static LIST_HEAD(, rte_flow) flows = LIST_HEAD_INITIALIZER(flows);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct state nowhere, *state = &nowhere;
static struct rte_mempool *pool;
static int wire = -1;

static void open_state(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, sizeof(*state)) < 0)
		abort();
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		abort();
	memset(state, 0, sizeof(*state));
	close(fd);
}

/* Before vifd drops its privileges. */
__attribute__((constructor)) static void open_wire(void)
{
	const char *netdev = getenv("FLOWNIC_WIRE"), *path = getenv("FLOWNIC_STATE");
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = RTE_BE16(ETH_P_ALL) };
	const int on = 1;

	if (!netdev || !path)
		return;
	open_state(path);
	address.sll_ifindex = (int)if_nametoindex(netdev);
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wire < 0 || setsockopt(wire, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    setsockopt(wire, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    bind(wire, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
}

static bool same(const void *frame, const void *value, const void *mask, size_t len)
{
	const uint8_t *a = frame, *b = value, *m = mask;

	for (size_t i = 0; i < len; i++)
		if ((a[i] ^ b[i]) & m[i])
			return false;
	return true;
}

static bool matches(const struct rte_flow *flow, const uint8_t *frame)
{
	const uint16_t type = (uint16_t)(frame[ADDRESSES] << 8 | frame[ADDRESSES + 1]);
	const uint16_t tci = (uint16_t)(frame[ADDRESSES + 2] << 8 | frame[ADDRESSES + 3]);

	if (!same(frame, &flow->eth, &flow->eth_mask, sizeof(flow->eth)))
		return false;
	if (!flow->tagged)
		return true;
	return (type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ) &&
	       !((tci ^ flow->tci) & flow->tci_mask);
}

static bool drops(const uint8_t *frame, bool egress)
{
	struct rte_flow *flow;

	pthread_mutex_lock(&lock);
	LIST_FOREACH (flow, &flows, link)
		if (flow->egress == egress && matches(flow, frame))
			break;
	if (flow)
		flow->hits++;
	pthread_mutex_unlock(&lock);
	if (flow)
		(*(egress ? &state->dropped_out : &state->dropped_in))++;
	return flow;
}

/* The kernel removes the outermost tag and reports it separately. Return: bytes, -1 none */
static ssize_t receive(uint8_t *frame)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec data = { frame + RTE_VLAN_HLEN, FRAME_MAX - RTE_VLAN_HLEN };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(wire, &message, MSG_DONTWAIT);
	struct tpacket_auxdata aux = { 0 };
	struct cmsghdr *header = len > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (len < (ssize_t)RTE_ETHER_HDR_LEN)
		return -1;
	if (header && header->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(header), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) {
		memmove(frame, frame + RTE_VLAN_HLEN, (size_t)len);
		return len;
	}
	memmove(frame, frame + RTE_VLAN_HLEN, ADDRESSES);
	frame[ADDRESSES] = (uint8_t)(aux.tp_vlan_tpid >> 8);
	frame[ADDRESSES + 1] = (uint8_t)aux.tp_vlan_tpid;
	frame[ADDRESSES + 2] = (uint8_t)(aux.tp_vlan_tci >> 8);
	frame[ADDRESSES + 3] = (uint8_t)aux.tp_vlan_tci;
	return len + RTE_VLAN_HLEN;
}

static uint16_t nic_rx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint8_t frame[FRAME_MAX];
	uint16_t got = 0;
	ssize_t len;

	(void)queue;
	while (got < nr && (len = receive(frame)) >= 0) {
		char *bytes;

		if (drops(frame, false))
			continue;
		pkts[got] = rte_pktmbuf_alloc(pool);
		if (!pkts[got])
			break;
		bytes = rte_pktmbuf_append(pkts[got], (uint16_t)len);
		if (!bytes)
			abort();
		memcpy(bytes, frame, (size_t)len);
		got++;
	}
	return got;
}

static uint16_t nic_tx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint8_t copy[FRAME_MAX];

	(void)queue;
	for (uint16_t i = 0; i < nr; i++) {
		uint32_t len = pkts[i]->pkt_len;
		const uint8_t *frame = len <= FRAME_MAX ? rte_pktmbuf_read(pkts[i], 0, len, copy) :
							  NULL;

		if (!frame)
			abort();
		/* a full wire loses frames */
		if (!drops(frame, true))
			(void)!send(wire, frame, len, MSG_DONTWAIT);
		rte_pktmbuf_free(pkts[i]);
	}
	return nr;
}

/* No worker uses the device yet when vifd sets the first rules. */
static void take_over(uint16_t port_id)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[port_id];

	if (ops->rx_pkt_burst == nic_rx)
		return;
	if (!pool)
		pool = rte_pktmbuf_pool_create("flownic", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					       SOCKET_ID_ANY);
	if (!pool)
		abort();
	ops->rx_pkt_burst = nic_rx;
	ops->tx_pkt_burst = nic_tx;
}

int rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
		      const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		      struct rte_flow_error *error)
{
	(void)error;
	if (wire < 0)
		return -ENOSYS;
	if (attr->group || attr->priority || attr->ingress == attr->egress ||
	    pattern[0].type != RTE_FLOW_ITEM_TYPE_ETH ||
	    actions[actions[0].type == RTE_FLOW_ACTION_TYPE_COUNT].type !=
		    RTE_FLOW_ACTION_TYPE_DROP)
		return -ENOTSUP;
	take_over(port_id);
	return 0;
}

struct rte_flow *rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
				 const struct rte_flow_item pattern[],
				 const struct rte_flow_action actions[],
				 struct rte_flow_error *error)
{
	const struct rte_flow_item_eth *eth = pattern[0].spec, *eth_mask = pattern[0].mask;
	const struct rte_flow_item_vlan *vlan = pattern[1].spec, *vlan_mask = pattern[1].mask;
	struct rte_flow *flow = calloc(1, sizeof(*flow));

	(void)port_id;
	(void)error;
	if (!flow)
		return NULL;
	flow->egress = attr->egress;
	flow->counts = actions[0].type == RTE_FLOW_ACTION_TYPE_COUNT;
	flow->tagged = pattern[1].type == RTE_FLOW_ITEM_TYPE_VLAN;
	if (eth) {
		flow->eth = eth->hdr;
		flow->eth_mask = eth_mask->hdr;
	}
	if (flow->tagged) {
		flow->tci = rte_be_to_cpu_16(vlan->hdr.vlan_tci);
		flow->tci_mask = rte_be_to_cpu_16(vlan_mask->hdr.vlan_tci);
	}
	pthread_mutex_lock(&lock);
	LIST_INSERT_HEAD(&flows, flow, link);
	pthread_mutex_unlock(&lock);
	state->rules++;
	state->made++;
	return flow;
}

int rte_flow_destroy(uint16_t port_id, struct rte_flow *flow, struct rte_flow_error *error)
{
	(void)port_id;
	(void)error;
	pthread_mutex_lock(&lock);
	LIST_REMOVE(flow, link);
	pthread_mutex_unlock(&lock);
	free(flow);
	state->rules--;
	return 0;
}

int rte_flow_query(uint16_t port_id, struct rte_flow *flow, const struct rte_flow_action *action,
		   void *data, struct rte_flow_error *error)
{
	struct rte_flow_query_count *count = data;

	(void)port_id;
	(void)error;
	if (action->type != RTE_FLOW_ACTION_TYPE_COUNT || !flow->counts)
		return -ENOTSUP;
	pthread_mutex_lock(&lock);
	count->hits_set = 1;
	count->hits = flow->hits;
	pthread_mutex_unlock(&lock);
	return 0;
}
