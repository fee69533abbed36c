/* SPDX-License-Identifier: BSD-3-Clause */
#include "query.h"

#include <string.h>

#include <rte_ip.h>

#include "port/filter/groups.h"
#include "vif.h"

/* Hosts answer within a second. */
#define ANSWER_DS 10u
#define ANSWER_MS 1000u

/* As Xen's tools give it to their end of every vif. */
#define OUR_MAC 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff

/* Robustness 2, interval 125 s: the defaults of both protocols, so nobody's change. */
#define DEFAULTS 2, 125

static const uint8_t igmp[] = { 0x01, 0, 0x5e, 0, 0, 1, OUR_MAC, 0x08, 0x00,
				/* IPv4 with a router alert, ttl 1, from nobody to all hosts */
				0x46, 0xc0, 0, 36, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 224, 0, 0, 1,
				0x94, 4, 0, 0,
				/* query, group 0 */
				0x11, ANSWER_DS, 0, 0, 0, 0, 0, 0, DEFAULTS, 0, 0 };

static const uint8_t mld[] = {
	0x33, 0x33, 0, 0, 0, 1, OUR_MAC, 0x86, 0xdd,
	/* IPv6, hop limit 1, from the link-local address of our MAC to all nodes */
	0x60, 0, 0, 0, 0, 36, 0, 1, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0xfe,
	0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	/* a router alert */
	58, 0, 5, 2, 0, 0, 1, 0,
	/* query, group :: */
	130, 0, 0, 0, ANSWER_MS >> 8, ANSWER_MS & 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, DEFAULTS, 0, 0
};

#define IPV4_BYTES 24u
#define ALERT_BYTES 8u
#define MLD_BYTES 28u

static void sum_igmp(uint8_t *frame)
{
	struct rte_ipv4_hdr *ip = (void *)(frame + RTE_ETHER_HDR_LEN);
	uint8_t *query = frame + RTE_ETHER_HDR_LEN + IPV4_BYTES;
	uint16_t sum =
		(uint16_t)~rte_raw_cksum(query, sizeof(igmp) - RTE_ETHER_HDR_LEN - IPV4_BYTES);

	memcpy(query + 2, &sum, sizeof(sum));
	sum = (uint16_t)~rte_raw_cksum(ip, IPV4_BYTES);
	memcpy(&ip->hdr_checksum, &sum, sizeof(sum));
}

static void sum_mld(uint8_t *frame)
{
	struct rte_ipv6_hdr ip;
	uint8_t *query = frame + RTE_ETHER_HDR_LEN + sizeof(ip) + ALERT_BYTES;
	uint16_t sum;

	memcpy(&ip, frame + RTE_ETHER_HDR_LEN, sizeof(ip));
	ip.proto = IPPROTO_ICMPV6;
	ip.payload_len = rte_cpu_to_be_16(MLD_BYTES);
	sum = rte_ipv6_udptcp_cksum(&ip, query);
	memcpy(query + 2, &sum, sizeof(sum));
}

struct query_call {
	struct path *path;
	const uint8_t *bytes;
	uint32_t len;
	void (*sum)(uint8_t *frame);
};

static int run_give(struct worker *worker, void *arg)
{
	const struct query_call *call = arg;
	struct path_tools *tools = worker_tools(worker);
	struct rte_mbuf *frame = rte_pktmbuf_alloc(tools->pool);
	uint8_t *bytes = frame ? (void *)rte_pktmbuf_append(frame, (uint16_t)call->len) : NULL;

	if (!bytes)
		return 0;
	memcpy(bytes, call->bytes, call->len);
	call->sum(bytes);
	path_give(call->path, tools, frame);
	return 0;
}

/* A guest with multicast control tells its list by itself; one that may not hear has no groups. */
static bool needs_query(const struct vif *vif)
{
	const struct port *port = path_get_port(vif->path);
	const struct path_live *live = path_get_live(vif->path);

	return port->groups && !port->groups->all_arrive && !kept_is_known(vif->kept) &&
	       !live->mcast_filter && live->link && vif->policy.draft.rx &&
	       !(live->policy.rx & POLICY_NO_MULTICAST);
}

void query_guest(struct vif *vif)
{
	struct query_call calls[] = {
		{ .path = vif->path, .bytes = igmp, .len = sizeof(igmp), .sum = sum_igmp },
		{ .path = vif->path, .bytes = mld, .len = sizeof(mld), .sum = sum_mld },
	};

	for (uint32_t i = 0; needs_query(vif) && i < RTE_DIM(calls); i++)
		worker_run(vif->worker, run_give, &calls[i]);
}
