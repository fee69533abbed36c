// SPDX-License-Identifier: GPL-2.0
/*
 * The self-test at module load: runs the ring arithmetic, the record's parser
 * and the response checks on ring pages as a hostile back end might write them.
 * It needs neither a hypervisor nor a device. If it fails, the module does not
 * load.
 */
#include <linux/slab.h>

#include "vifront.h"

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			pr_err("vifront: self-test: line %d: %s\n", __LINE__,   \
			       #condition);                                     \
			return -EINVAL;                                         \
		}                                                               \
	} while (0)

/* A ring at index @start with all requests in flight. */
static void test_ring_full(struct vifront_ring *r, struct netif_ring_indices *idx, u32 start)
{
	vifront_ring_init(r, idx, VIFRONT_SLOTS);
	r->rsp_cons = start;
	r->req_prod = start + VIFRONT_SLOTS;
	idx->rsp_prod = start;
	idx->req_prod = r->req_prod;
}

static int test_ring_at(struct netif_ring_indices *idx, u32 start)
{
	struct vifront_ring r;
	u32 prod;

	test_ring_full(&r, idx, start);
	CHECK(vifront_ring_free(&r) == 0);
	CHECK(vifront_ring_responses(&r, &prod) == 0 && prod == start);
	idx->rsp_prod = start + VIFRONT_SLOTS;
	CHECK(vifront_ring_responses(&r, &prod) == VIFRONT_SLOTS);
	idx->rsp_prod = start + VIFRONT_SLOTS + 1; /* more than the requests in flight */
	CHECK(vifront_ring_responses(&r, &prod) == -EPROTO);
	idx->rsp_prod = start - 1; /* backwards */
	CHECK(vifront_ring_responses(&r, &prod) == -EPROTO);
	r.rsp_cons = start + 10;
	CHECK(vifront_ring_free(&r) == 10);
	r.req_prod = start + 20;
	idx->rsp_prod = start + 21; /* within the ring, but beyond the requests */
	CHECK(vifront_ring_responses(&r, &prod) == -EPROTO);
	return 0;
}

static int test_ring_events(struct netif_ring_indices *idx, u32 start)
{
	struct vifront_ring r;

	test_ring_full(&r, idx, start);
	r.req_pushed = start;
	idx->req_event = start + 1;
	r.req_prod = start + 1;
	CHECK(vifront_ring_push(&r) && idx->req_prod == start + 1);
	r.req_prod = start + 2; /* req_event is not crossed */
	CHECK(!vifront_ring_push(&r));
	idx->req_event = start + 5;
	r.req_prod = start + 8;
	CHECK(vifront_ring_push(&r));
	CHECK(!vifront_ring_want_event(&r, 1) && idx->rsp_event == start + 1);
	idx->rsp_prod = start + 3;
	CHECK(vifront_ring_want_event(&r, 3) && !vifront_ring_want_event(&r, 4));
	return 0;
}

static int test_ring(void *page)
{
	static const u32 starts[] = { 0, 1, 255, 256, 0x7fffffff, 0xffffff00, 0xffffffff };
	unsigned int i;
	int rc = 0;

	for (i = 0; i < ARRAY_SIZE(starts) && !rc; i++) {
		rc = test_ring_at(page, starts[i]);
		rc = rc ? rc : test_ring_events(page, starts[i]);
	}
	return rc;
}

static const struct {
	const char *text;
	int rc;
} records[] = {
	{ "version=1 generation=1", 0 },
	{ "version=1 generation=7 path=vf vf=0000:01:10.2 link=up speed=10000 mtu=1500 queues=4 "
	  "tx-offloads=csum4,csum6,tso4,tso6,sg rx-offloads=csum4,csum6,gso4,gso6,sg "
	  "static-grants=512 coalesce-rx-us=20 coalesce-rx-frames=32 coalesce-tx-us=0 "
	  "coalesce-tx-frames=0 rate=0 guaranteed=0 features=vlan", 0 },
	{ "version=9 generation=4294967295 shape=round,x:y/z path=tunnel tx-offloads=sg,lro", 0 },
	{ "", -EINVAL },
	{ "version=1", -ENODATA },
	{ "generation=1", -ENODATA },
	{ "version=1 generation=0", -EINVAL },
	{ "version=1 generation=4294967296", -EINVAL },
	{ "version=1 generation=01", -EINVAL },
	{ "version=1 generation=-1", -EINVAL },
	{ "version=1 generation=1 ", -EINVAL },
	{ " version=1 generation=1", -EINVAL },
	{ "version=1  generation=1", -EINVAL },
	{ "version=1 generation=1\n", -EINVAL },
	{ "version=1 generation=1 generation=2", -EEXIST },
	{ "version=1 generation=1 new=1 new=1", -EEXIST },
	{ "version=1 generation=1 link", -EINVAL },
	{ "version=1 generation=1 link=", -EINVAL },
	{ "version=1 generation=1 =up", -EINVAL },
	{ "version=1 generation=1 link=maybe", -EINVAL },
	{ "version=1 generation=1 mtu=67", -EINVAL },
	{ "version=1 generation=1 queues=65", -EINVAL },
	{ "version=1 generation=1 queues=0", -EINVAL },
	{ "version=1 generation=1 tx-offloads=sg,,csum4", -EINVAL },
	{ "version=1 generation=1 tx-offloads=sg,sg", -EINVAL },
	{ "version=1 generation=1 vf=0000:01:10.g", -EINVAL },
	{ "version=1 generation=1 vf=0000:01:10.22", -EINVAL },
	{ "version=1 generation=1 flags=0x1", -EINVAL },
	{ "version=1 generation=1 flags=2 flags-allowed=2 mac=02:00:0a:bc:de:ff", 0 },
	{ "version=1 generation=1 mac=02:00:0A:bc:de:ff", -EINVAL },
	{ "version=1 generation=1 mac=02:00:0a:bc:de:f", -EINVAL },
	{ "version=1 generation=1 mac=02-00-0a-bc-de-ff", -EINVAL },
};

static int test_records(void *page)
{
	struct vifcap cap, again;
	unsigned int i;
	char *text = page;
	int rc, len;

	for (i = 0; i < ARRAY_SIZE(records); i++) {
		rc = vifcap_parse(&cap, records[i].text, strlen(records[i].text));
		if (rc != records[i].rc)
			pr_err("vifront: self-test: record %u gives %d\n", i, rc);
		CHECK(rc == records[i].rc);
		if (rc)
			continue;
		len = vifcap_format(&cap, text, VIFCAP_TEXT_MAX + 1);
		CHECK(len > 0 && !vifcap_parse(&again, text, len));
		CHECK(!memcmp(&cap, &again, sizeof(cap)));
	}
	memset(text, 'a', VIFCAP_TEXT_MAX + 1);
	CHECK(vifcap_parse(&cap, text, VIFCAP_TEXT_MAX + 1) == -E2BIG);
	CHECK(vifcap_format(&again, text, 4) == -ENOSPC);
	return 0;
}

/* Responses as a hostile back end might write them, and what vifront_rx_gather() makes of them. */
struct rx_case {
	struct netif_rx_response rsp[3];
	unsigned int n;
	int rc;
	u32 len; /* of the frame, if rc is 0 */
	u32 consumed;
};

#define MORE NETIF_RXF_MORE_DATA
#define EXTRA NETIF_RXF_EXTRA_INFO

/* the cases start at slot 254, so that their slots wrap at the end of the ring */
static const struct rx_case rx_cases[] = {
	{ { { 254, 0, 0, 60 } }, 1, 0, 60, 1 },
	{ { { 254, 4096 - 60, 0, 60 } }, 1, 0, 60, 1 },
	{ { { 254, 0, MORE, 4096 }, { 255, 0, MORE, 4096 }, { 0, 0, 0, 1 } }, 3, 0, 8193, 3 },
	{ { { 254, 0, MORE, 60 }, { 255, 0, 0, 0 } }, 2, 0, 60, 2 },       /* empty slot */
	{ { { 254, 4096 - 59, 0, 60 } }, 1, -EINVAL, 0, 1 },               /* crosses the page */
	{ { { 254, 0xffff, 0, 60 } }, 1, -EINVAL, 0, 1 },
	{ { { 254, 0, 0, 4097 } }, 1, -EINVAL, 0, 1 },
	{ { { 254, 1, 0, 0x7fff } }, 1, -EINVAL, 0, 1 },
	{ { { 253, 0, 0, 60 } }, 1, -EINVAL, 0, 1 },                       /* id of another slot */
	{ { { 254, 0, 0, 13 } }, 1, -EINVAL, 0, 1 },                       /* short header */
	{ { { 254, 0, 0, 0 } }, 1, -EINVAL, 0, 1 },
	{ { { 254, 0, 0, -1 } }, 1, -EIO, 0, 1 },
	{ { { 254, 0, MORE, 60 } }, 1, -EPROTO, 0, 1 },                    /* last slot missing */
	{ { { 254, 0, EXTRA, 60 } }, 1, -EPROTO, 0, 1 },
	{ { { 254, 0, EXTRA, 60 }, { 0x0101, 0, 0, 0 } }, 2, -EPROTO, 0, 2 }, /* endless extras */
	{ { { 254, 0, EXTRA, 60 }, { 0x0000, 0, 0, 0 } }, 2, -EINVAL, 0, 2 }, /* extra type 0 */
	{ { { 254, 0, EXTRA, 60 }, { 0x0001, 0, 1, 0 } }, 2, -EINVAL, 0, 2 }, /* GSO size 0 */
	{ { { 254, 0, EXTRA, 60 }, { 0x0001, 1448, 3, 0 } }, 2, -EINVAL, 0, 2 }, /* GSO type 3 */
	{ { { 254, 0, EXTRA, 60 }, { 0x0001, 1448, 1, 0 } }, 2, 0, 60, 2 },
	{ { { 254, 0, EXTRA | MORE, 60 }, { 0x0001, 1448, 2, 0 }, { 0, 0, 0, 40 } }, 3, 0, 100, 3 },
};

static int test_rx_case(struct netif_rx_sring *s, const struct rx_case *c)
{
	const u32 start = 0xfffffffe; /* slot 254; the indices wrap, too */
	struct vifront_rx_frame f;
	struct vifront_ring r;
	unsigned int i;
	int rc;

	test_ring_full(&r, &s->idx, start);
	for (i = 0; i < c->n; i++)
		s->entry[(start + i) % VIFRONT_SLOTS].rsp = c->rsp[i];
	rc = vifront_rx_gather(&r, s->entry, start + c->n, &f);
	CHECK(rc == c->rc);
	CHECK(r.rsp_cons == start + c->consumed);
	CHECK(rc || f.len == c->len);
	return 0;
}

static int test_rx_endless(struct netif_rx_sring *s)
{
	struct vifront_rx_frame f;
	struct vifront_ring r;
	unsigned int i;

	test_ring_full(&r, &s->idx, 0);
	for (i = 0; i < VIFRONT_SLOTS; i++)
		s->entry[i].rsp = (struct netif_rx_response){
			.id = i, .flags = i < 30 ? MORE : 0, .status = 4096,
		};
	CHECK(vifront_rx_gather(&r, s->entry, VIFRONT_SLOTS, &f) == -EINVAL);
	CHECK(r.rsp_cons == 31); /* the next frame starts after it */
	CHECK(f.nr_segs <= ARRAY_SIZE(f.seg) && f.len <= VIFRONT_RX_FRAME_MAX);
	CHECK(!vifront_rx_gather(&r, s->entry, VIFRONT_SLOTS, &f));
	return 0;
}

/* Only a frame with the whole Ethernet header in its first page may keep its pages. */
static int test_rx_takable(void)
{
	struct vifront_rx_frame f = { .nr_segs = 2, .len = 1014 };

	f.seg[0].len = ETH_HLEN;
	f.seg[1].len = 1000;
	CHECK(vifront_rx_takable(&f, 2) && !vifront_rx_takable(&f, 1));
	f.seg[0].len = ETH_HLEN - 1;
	CHECK(!vifront_rx_takable(&f, 2));
	return 0;
}

static int test_rx(void *page)
{
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(rx_cases); i++) {
		rc = test_rx_case(page, &rx_cases[i]);
		if (rc) {
			pr_err("vifront: self-test: rx case %u failed\n", i);
			return rc;
		}
	}
	rc = test_rx_takable();
	return rc ? rc : test_rx_endless(page);
}

static int test_tx(void)
{
	u8 state[NETIF_RING_SIZE] = {};
	struct netif_tx_response rsp = { .id = 7 };
	int rc[6];

	rc[0] = vifront_tx_check(&rsp, state, 0); /* not in flight */
	state[7] = VIFRONT_TX_COPIED;
	rc[1] = vifront_tx_check(&rsp, state, 0);
	rsp.id = 256;
	rc[2] = vifront_tx_check(&rsp, state, 0);
	rsp.id = 7;
	rsp.status = 2;
	rc[3] = vifront_tx_check(&rsp, state, 0);
	rsp.status = NETIF_STATUS_NULL; /* no extra-info in flight */
	rc[4] = vifront_tx_check(&rsp, state, 0);
	rc[5] = vifront_tx_check(&rsp, state, 1);
	CHECK(rc[0] == -EPROTO && rc[1] == 1 && rc[2] == -EPROTO && rc[3] == -EPROTO);
	CHECK(rc[4] == -EPROTO && rc[5] == 0);
	return 0;
}

/* Logs a check that fails. Return: 0, -EINVAL or -ENOMEM */
int vifront_selftest(void)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int rc;

	if (!page)
		return -ENOMEM;
	rc = test_ring(page);
	rc = rc ? rc : test_records(page);
	rc = rc ? rc : test_rx(page);
	rc = rc ? rc : test_tx();
	rc = rc ? rc : vifront_selftest_flow();
	free_page((unsigned long)page);
	return rc;
}
