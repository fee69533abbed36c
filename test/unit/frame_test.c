/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* frame_offload(): headers are believed only as far as the frame bears them out. */
#include "backend/path/cut.h"
#include "backend/path/frame.h"
#include "path_fixture.h"

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct fake_port port;

/* What frame_offload() says of the frame in bytes. */
static int guarantee(uint32_t len, uint8_t gso_type, uint16_t gso_size)
{
	struct rte_mbuf *mbuf = port_feed(&port, bytes, len, 0);
	int ret = frame_offload(mbuf, gso_type, gso_size);

	/* what it allows must not be beyond the frame */
	if (!ret)
		assert_true(mbuf->l2_len + mbuf->l3_len + mbuf->l4_len <= mbuf->data_len);
	port_forget(&port);
	return ret;
}

static int promise_checksum(uint32_t len)
{
	return guarantee(len, NETIF_GSO_NONE, 0);
}

static const uint32_t kinds[] = { 0,	      FRAME_UDP,
				  FRAME_IPV6, FRAME_IPV6 | FRAME_UDP,
				  FRAME_VLAN, FRAME_VLAN | FRAME_IPV6 };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void headers_that_fit_are_believed(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++)
		for (uint32_t payload = 0; payload < 1500; payload += 111)
			assert_int_equal(promise_checksum(frame_make(bytes, kinds[i], payload)), 0);
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++) {
		uint32_t len = frame_make(bytes, kinds[i], 40);

		for (uint32_t cut = 14; cut < len; cut++)
			assert_int_equal(promise_checksum(cut), -EINVAL);
	}
}

static void headers_over_segments_are_refused(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	for (uint32_t seg = 14; seg < frame_headers(0); seg++) {
		struct rte_mbuf *mbuf = port_feed(&port, bytes, len, seg);

		assert_int_equal(frame_offload(mbuf, NETIF_GSO_NONE, 0), -EINVAL);
		port_forget(&port);
	}
	port_feed(&port, bytes, len, frame_headers(0));
	assert_int_equal(frame_offload(port.waiting[0], NETIF_GSO_NONE, 0), 0);
	port_forget(&port);
}

static void ip_length_beyond_the_frame_is_refused(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	frame_put16(bytes + 16, len - 14 + 1);
	assert_int_equal(promise_checksum(len), -EINVAL);
	frame_put16(bytes + 16, 0xffff);
	assert_int_equal(promise_checksum(len), -EINVAL);
	len = frame_make(bytes, FRAME_IPV6, 100);
	frame_put16(bytes + 18, len - 54 + 1);
	assert_int_equal(promise_checksum(len), -EINVAL);
}

static void ip_length_below_its_headers_is_refused(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	for (uint32_t total = 0; total < 40; total++) {
		frame_put16(bytes + 16, total);
		assert_int_equal(promise_checksum(len), -EINVAL);
	}
	frame_put16(bytes + 16, 40);
	assert_int_equal(promise_checksum(len), 0);
	len = frame_make(bytes, FRAME_IPV6 | FRAME_UDP, 100);
	for (uint32_t payload = 0; payload < 8; payload++) {
		frame_put16(bytes + 18, payload);
		assert_int_equal(promise_checksum(len), -EINVAL);
	}
}

static void padding_after_the_packet_is_not_summed_up(void **state)
{
	uint32_t len = frame_make(bytes, 0, 3);
	struct rte_mbuf *mbuf;

	(void)state;
	memset(bytes + len, 0x77, 60 - len);
	mbuf = port_feed(&port, bytes, 60, 0);
	assert_int_equal(frame_offload(mbuf, NETIF_GSO_NONE, 0), 0);
	offload_checksum(mbuf);
	assert_true(frame_checksums_right(rte_pktmbuf_mtod(mbuf, uint8_t *), len, 0));
	port_forget(&port);
}

static void impossible_header_lengths_are_refused(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	for (uint8_t ihl = 0; ihl < 5; ihl++) {
		bytes[14] = 0x40 | ihl;
		assert_int_equal(promise_checksum(len), -EINVAL);
	}
	len = frame_make(bytes, 0, 100);
	for (uint8_t offset = 0; offset < 5; offset++) {
		bytes[46] = (uint8_t)(offset << 4);
		assert_int_equal(promise_checksum(len), -EINVAL);
	}
	/* data offset beyond the packet, though not beyond the frame */
	len = frame_make(bytes, 0, 0);
	bytes[46] = 15 << 4;
	assert_int_equal(promise_checksum(len + 60), -EINVAL);
}

static void options_are_skipped(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	bytes[46] = 8 << 4; /* twelve bytes of TCP options */
	assert_int_equal(promise_checksum(len), 0);
}

static void fragments_are_refused(void **state)
{
	uint32_t len = frame_make(bytes, 0, 100);

	(void)state;
	frame_put16(bytes + 20, 0x2000); /* more fragments */
	assert_int_equal(promise_checksum(len), -EINVAL);
	frame_put16(bytes + 20, 0x0010);
	assert_int_equal(promise_checksum(len), -EINVAL);
	frame_put16(bytes + 20, 0x4000); /* don't fragment */
	assert_int_equal(promise_checksum(len), 0);
}

static void ipv6_extension_headers_are_refused(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_IPV6, 100);

	(void)state;
	bytes[20] = 0; /* hop-by-hop */
	bytes[54] = 6; /* then TCP */
	bytes[55] = 0;
	assert_int_equal(promise_checksum(len), -EINVAL);
}

static void segmentation_may_have_any_size(void **state)
{
	uint32_t len = frame_make(bytes, 0, 60000);

	(void)state;
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 60000 / OFFLOAD_SEGMENTS_MAX), 0);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 1), 0);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 1448), 0);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 0xffff), 0);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV6, 1448), -EINVAL);
	/* nothing that is cut here is for a group */
	bytes[0] |= 1;
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 60000 / OFFLOAD_SEGMENTS_MAX), -EINVAL);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, OFFLOAD_MSS_MIN - 1), -EINVAL);
	assert_int_equal(guarantee(len, NETIF_GSO_TCPV4, 1448), 0);
}

/* What frame_offload() accepts, software must be able to do: an offload never depends on the port. */
static void every_accepted_offload_can_be_done_in_software(void **state)
{
	(void)state;
	for (uint32_t payload = 100; payload < 60000; payload += 7777) {
		for (uint16_t mss = OFFLOAD_MSS_MIN; mss < 9000; mss += 61) {
			struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
			uint32_t len = frame_make(bytes, 0, payload);
			struct rte_mbuf *mbuf = port_feed(&port, bytes, len, 0);
			int nr;

			port.nr_waiting = 0;
			assert_int_equal(frame_offload(mbuf, NETIF_GSO_TCPV4, mss), 0);
			/* cut_test.c has those */
			if (cut_is_needed(mbuf) || !(mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG)) {
				rte_pktmbuf_free(mbuf);
				continue;
			}
			nr = offload_segment(&fake_tools.offload, mbuf, out, OFFLOAD_SEGMENTS_MAX);
			assert_int_equal(nr, (int)((payload + mss - 1) / mss));
			rte_pktmbuf_free_bulk(out, (unsigned int)nr);
		}
	}
	assert_true(fake_all_free());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_that_fit_are_believed),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(headers_over_segments_are_refused),
		cmocka_unit_test(ip_length_beyond_the_frame_is_refused),
		cmocka_unit_test(ip_length_below_its_headers_is_refused),
		cmocka_unit_test(padding_after_the_packet_is_not_summed_up),
		cmocka_unit_test(impossible_header_lengths_are_refused),
		cmocka_unit_test(options_are_skipped),
		cmocka_unit_test(fragments_are_refused),
		cmocka_unit_test(ipv6_extension_headers_are_refused),
		cmocka_unit_test(segmentation_may_have_any_size),
		cmocka_unit_test(every_accepted_offload_can_be_done_in_software),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
