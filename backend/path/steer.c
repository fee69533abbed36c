/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>

#include "port/offload.h"

/* Microsoft's verification key: known answers exist for it, and it spreads well. */
static const struct steer own = {
	.algorithm = NETIF_HASH_ALG_TOEPLITZ,
	.flags = 1u << NETIF_HASH_IPV4 | 1u << NETIF_HASH_IPV4_TCP | 1u << NETIF_HASH_IPV6 |
		 1u << NETIF_HASH_IPV6_TCP,
	.key = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
		 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
		 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa },
};

/* Ethernet, IPv4 without options and a TCP header, and where the protocol is */
#define USUAL_BYTES 54u
#define USUAL_PROTO 23u

/* Words of the hash's input, in host order. */
struct tuple {
	uint32_t word[9];
	uint32_t nr;
};

static void add_words(struct tuple *tuple, const void *bytes, uint32_t nr)
{
	const rte_be32_t *from = bytes;

	for (uint32_t i = 0; i < nr; i++)
		tuple->word[tuple->nr++] = rte_be_to_cpu_32(from[i]);
}

/*
 * Addresses, and both ports in one word when @ports. Offsets are those of the
 * parser, which has seen these bytes; they are in the first segment or not used.
 */
static bool fill(struct tuple *tuple, const struct rte_mbuf *frame,
		 const struct rte_net_hdr_lens *lens, bool ipv4, bool ports)
{
	const char *l3 = rte_pktmbuf_mtod_offset(frame, const char *, lens->l2_len);
	uint32_t end = lens->l2_len + lens->l3_len + (ports ? sizeof(rte_be32_t) : 0);
	rte_be32_t words[8];
	uint32_t nr = ipv4 ? 2 : 8;

	tuple->nr = 0;
	if (frame->data_len < end || lens->l3_len < (ipv4 ? 20u : 40u))
		return false;
	memcpy(words, l3 + (ipv4 ? 12 : 8), nr * sizeof(words[0]));
	add_words(tuple, words, nr);
	if (ports) {
		memcpy(words, l3 + lens->l3_len, sizeof(words[0]));
		add_words(tuple, words, 1);
	}
	return true;
}

/* Most frames: no tag, IPv4 without options and not in pieces. They need no parser. */
static inline bool is_usual(const struct rte_mbuf *frame)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t type, pieces;

	if (frame->data_len < USUAL_BYTES)
		return false;
	memcpy(&type, bytes + 12, sizeof(type));
	memcpy(&pieces, bytes + 20, sizeof(pieces));
	return (type & RTE_BE32(0xffffff00)) == RTE_BE32(0x08004500) &&
	       !(pieces & RTE_BE32(0x3fff0000));
}

/* What the hash has to know of a frame's headers. Return: false: it is not IP */
static inline bool parse(const struct rte_mbuf *frame, struct rte_net_hdr_lens *lens, bool *ipv4,
			 bool *tcp)
{
	uint32_t ptype;

	if (likely(is_usual(frame))) {
		lens->l2_len = RTE_ETHER_HDR_LEN;
		lens->l3_len = sizeof(struct rte_ipv4_hdr);
		*ipv4 = true;
		*tcp = *rte_pktmbuf_mtod_offset(frame, const uint8_t *, USUAL_PROTO) == IPPROTO_TCP;
		return true;
	}
	ptype = rte_net_get_ptype(frame, lens, OFFLOAD_LAYERS);
	*ipv4 = RTE_ETH_IS_IPV4_HDR(ptype);
	*tcp = (ptype & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP;
	return *ipv4 || RTE_ETH_IS_IPV6_HDR(ptype);
}

/* For each bit that is set, the 32 bits of the key that begin at its place */
static uint32_t toeplitz(const struct tuple *tuple, const uint8_t *key)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < tuple->nr; i++) {
		uint64_t part;

		memcpy(&part, key + i * sizeof(uint32_t), sizeof(part));
		part = rte_be_to_cpu_64(part);
		for (uint32_t bits = tuple->word[i]; bits; bits &= bits - 1)
			hash ^= (uint32_t)(part >> (1 + __builtin_ctz(bits)));
	}
	return hash;
}

static bool hash_by(const struct steer *steer, uint8_t types, const struct rte_mbuf *frame,
		    uint32_t *hash, uint8_t *type)
{
	struct rte_net_hdr_lens lens;
	bool ipv4, tcp;
	uint8_t with_ports, without;
	struct tuple tuple;

	if (!parse(frame, &lens, &ipv4, &tcp))
		return false;
	with_ports = ipv4 ? NETIF_HASH_IPV4_TCP : NETIF_HASH_IPV6_TCP;
	without = ipv4 ? NETIF_HASH_IPV4 : NETIF_HASH_IPV6;
	if (tcp && types & 1u << with_ports)
		*type = with_ports;
	else if (types & 1u << without)
		*type = without;
	else
		return false;
	if (!fill(&tuple, frame, &lens, ipv4, *type == with_ports))
		return false;
	*hash = toeplitz(&tuple, steer->key);
	return true;
}

bool steer_hash(const struct steer *steer, const struct rte_mbuf *frame, uint32_t *hash,
		uint8_t *type)
{
	return hash_by(steer, steer->flags, frame, hash, type);
}

static void tell_hash(struct rte_mbuf *frame, uint32_t hash, uint8_t type)
{
	frame->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	frame->hash.rss = hash;
	frame->hash.fdir.hi = type;
}

uint32_t steer_among(const struct steer *steer, uint8_t types, struct rte_mbuf *frame, uint32_t nr)
{
	bool set = steer->algorithm == NETIF_HASH_ALG_TOEPLITZ;
	const struct steer *by = set ? steer : &own;
	uint32_t hash;
	uint8_t type;

	frame->ol_flags &= ~STEER_METADATA;
	if (!hash_by(by, types ? types : by->flags, frame, &hash, &type))
		return 0;
	if (set)
		tell_hash(frame, hash, type);
	return hash % nr;
}

uint32_t steer_by_hash(const struct steer *steer, struct rte_mbuf *frame, uint32_t nr_queues)
{
	bool set = steer->algorithm == NETIF_HASH_ALG_TOEPLITZ;
	uint32_t hash;
	uint8_t type;

	if (!steer_hash(set ? steer : &own, frame, &hash, &type))
		return 0;
	if (!set)
		return hash % nr_queues;
	tell_hash(frame, hash, type);
	return steer->nr_mapping ? steer->mapping[hash % steer->nr_mapping] : hash % nr_queues;
}
