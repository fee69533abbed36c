/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Packet headers: offload_checksum() and offload_segment() must handle every frame that
 * frame_offload() accepts, and steer_hash() must read no byte past the end. The input
 * decides how frames are cut into buffers.
 */
#include "fuzz.h"

#include "backend/path/frame.h"
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

static void keep_promise(struct rte_mbuf *mbuf)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	uint32_t headers = mbuf->l2_len + mbuf->l3_len + mbuf->l4_len;
	uint32_t payload;
	int nr;

	fuzz_check(headers <= mbuf->data_len);
	frame_pseudo_checksum(mbuf);
	if (!(mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG)) {
		offload_checksum(mbuf);
		fuzz_check(!frame_csum_pending(mbuf));
		rte_pktmbuf_free(mbuf);
		return;
	}
	payload = mbuf->pkt_len - headers;
	nr = offload_segment(&fake_tools.offload, mbuf, out, OFFLOAD_SEGMENTS_MAX);
	if (nr < 0) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	check_segments(out, nr, headers, payload);
	rte_pktmbuf_free_bulk(out, (unsigned int)nr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[FRAME_MAX];
	struct fuzz_input input = { data, size };
	uint8_t gso_type = fuzz_u8(&input) % 3, flags = fuzz_u8(&input), type;
	uint16_t gso_size = fuzz_u16(&input), cut = fuzz_u8(&input);
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
	if (frame_offload(mbuf, gso_type, gso_size))
		rte_pktmbuf_free(mbuf);
	else
		keep_promise(mbuf);
	fuzz_check(fake_all_free());
	return 0;
}
