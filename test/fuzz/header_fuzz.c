/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Packet headers, on the way of a frame from a guest to a wire with a smaller MTU, or to another
 * guest: rules and classes must read no byte past the end, and whatever frame_offload() accepts must
 * be cut and summed up, with each byte of the payload in it once. The input decides how frames are
 * cut into buffers.
 */
#include "fuzz.h"

#include "backend/base/vlan.h"
#include "backend/path/classes.h"
#include "backend/path/cut.h"
#include "backend/path/frame.h"
#include "backend/path/verdict.h"
#include "test/unit/fake_guest.h"

#define FRAME_MAX 16384u

static struct fake_port port;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return fake_start(NULL);
}

static uint32_t make(struct fuzz_input *input, uint8_t bytes[FRAME_MAX])
{
	uint8_t how = fuzz_u8(input);
	uint32_t len;

	if (how & 1) {
		len = fuzz_frame(input, bytes, FRAME_MAX);
	} else {
		len = fuzz_u16(input) % FRAME_MAX + 1;
		memset(bytes, 0, len);
		fuzz_bytes(input, bytes, len < 200 ? len : 200);
	}
	if (how & 2)
		len = len - len * (how >> 4) / 16;
	return len ? len : 1;
}

/* Segments hold each byte of the payload once, in order. */
static void check_segments(struct rte_mbuf **segments, int nr, uint32_t headers, uint32_t payload)
{
	uint32_t sum = 0;

	for (int i = 0; i < nr; i++) {
		const struct rte_mbuf *seg = segments[i];
		uint32_t len = 0;

		fuzz_check(seg->data_len >= headers);
		fuzz_check(seg->pkt_len > headers);
		for (; seg; seg = seg->next)
			len += seg->data_len;
		fuzz_check(len == segments[i]->pkt_len);
		sum += len - headers;
	}
	fuzz_check(sum == payload);
}

static uint32_t headers_of(const struct rte_mbuf *mbuf)
{
	return (uint32_t)mbuf->l2_len + mbuf->l3_len + mbuf->l4_len;
}

/* What a port makes of it. Return: payload in the segments */
static uint32_t keep_promise(struct rte_mbuf *mbuf)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	uint32_t headers = headers_of(mbuf), payload = mbuf->pkt_len - headers;
	int nr;

	fuzz_check(headers <= mbuf->data_len);
	fuzz_check(!cut_is_needed(mbuf));
	offload_pseudo_checksum(mbuf);
	if (!(mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG)) {
		offload_checksum(mbuf);
		fuzz_check(!frame_csum_pending(mbuf));
		rte_pktmbuf_free(mbuf);
		return payload;
	}
	nr = offload_segment(&fake_tools.offload, mbuf, out, OFFLOAD_SEGMENTS_MAX);
	if (nr < 0) {
		rte_pktmbuf_free(mbuf);
		return payload;
	}
	check_segments(out, nr, headers, payload);
	rte_pktmbuf_free_bulk(out, (unsigned int)nr);
	return payload;
}

/* Piece by piece, as tx.c does. */
static void cut_and_keep(struct rte_mbuf *mbuf)
{
	uint32_t payload = mbuf->pkt_len - headers_of(mbuf), done = 0;

	while (cut_is_needed(mbuf)) {
		struct rte_mbuf *piece = cut_front(mbuf, fake_tools.pool);

		fuzz_check(piece != NULL);
		done += keep_promise(piece);
	}
	fuzz_check(done + keep_promise(mbuf) == payload);
}

/* A wire that is shorter than the frame, as port/eth/burst.c sends to it. */
static void send_shorter(struct rte_mbuf *mbuf, uint16_t mtu)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	int nr;

	offload_shorten(mbuf, mtu);
	if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		nr = offload_segment(&fake_tools.offload, mbuf, out, OFFLOAD_SEGMENTS_MAX);
	} else {
		offload_checksum(mbuf);
		nr = offload_fragment(&fake_tools.offload, mbuf, mtu, out, OFFLOAD_SEGMENTS_MAX);
	}
	if (nr > 0)
		rte_pktmbuf_free_bulk(out, (unsigned int)nr);
	else
		rte_pktmbuf_free(mbuf);
}

/* Rules as a program could not choose them worse. Return: it passes */
static bool judge(struct fuzz_input *input, struct rte_mbuf *mbuf)
{
	struct policy policy = { .mac.addr_bytes = { 2, 0, 0, 0, 0, 1 } };
	uint8_t how = fuzz_u8(input);
	uint32_t tags;

	fuzz_bytes(input, &policy.tx, sizeof(policy.tx));
	fuzz_bytes(input, &policy.rx, sizeof(policy.rx));
	policy.anti_spoof = how & 1;
	policy.reserved_groups = !(how & 2);
	policy.untagged = how & 4;
	policy.insert = fuzz_u16(input);
	policy.vlan_outer = fuzz_u16(input);
	policy.nr_ips = how >> 4 & 1;
	memset(policy.ips[0].mask, how & 8 ? 0 : 0xff, sizeof(policy.ips[0].mask));
	memset(policy.vlans, how & 32 ? 0xff : 0, sizeof(policy.vlans));
	memset(policy.strip, how & 64 ? 0xff : 0, sizeof(policy.strip));
	if (verdict_tx(&policy, mbuf) != (enum path_counter)VERDICT_PASS)
		return false;
	fuzz_check(classes_of(CLASSES_PCP, mbuf) < CLASSES);
	fuzz_check(classes_of(CLASSES_DSCP, mbuf) < CLASSES);
	if (verdict_rx(&policy, mbuf) != (enum path_counter)VERDICT_PASS)
		return false;
	tags = policy.rx ? verdict_rx_tags(&policy, mbuf) : 0;
	if (tags + RTE_ETHER_HDR_LEN > mbuf->data_len)
		return false;
	if (tags)
		verdict_cut_tags(mbuf, tags);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[FRAME_MAX];
	struct fuzz_input input = { data, size };
	uint8_t gso_type = fuzz_u8(&input) % 3, flags = fuzz_u8(&input), type;
	uint16_t gso_size = fuzz_u16(&input), cut = fuzz_u8(&input), mtu;
	struct steer steer = { .algorithm = NETIF_HASH_ALG_TOEPLITZ, .flags = flags & 0xf };
	uint32_t len = make(&input, bytes), hash;
	struct rte_mbuf *mbuf;

	if (gso_type != NETIF_GSO_NONE && !gso_size)
		return 0; /* tx.c stops such a guest */
	/* at least an Ethernet header in the first buffer, as the path has it */
	cut = cut && cut < 32 ? 32 : cut;
	mbuf = port_feed(&port, bytes, len, len / (cut ? cut : 1) > 200 ? 0 : cut);
	port.nr_waiting = 0;
	steer_hash(&steer, mbuf, &hash, &type);
	if (mbuf->data_len < RTE_ETHER_HDR_LEN || !judge(&input, mbuf))
		rte_pktmbuf_free(mbuf);
	else if ((mtu = fuzz_u16(&input)))
		send_shorter(mbuf, mtu);
	else if (frame_offload(mbuf, gso_type, gso_size))
		rte_pktmbuf_free(mbuf);
	else
		cut_and_keep(mbuf);
	fuzz_check(fake_all_free());
	return 0;
}
