/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_kernel.c test/unit/fake_xs.c common/capability.c frontend/dpdk/ */
#include "fake_back.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_kernel.h"

#define MASK (NETIF_RING_SIZE - 1)
#define MBUFS 2047u

struct fake_back fake_back;
struct rte_mempool *fake_pool;

uint32_t fake_key(const char *key)
{
	char path[128];
	const char *text;

	snprintf(path, sizeof(path), FAKE_FRONT "/%s", key);
	text = fake_xs_get(path);
	return text ? (uint32_t)strtoul(text, NULL, 10) : UINT32_MAX;
}

uint32_t fake_state(const char *dir)
{
	char path[128];
	const char *text;

	snprintf(path, sizeof(path), "%s/state", dir);
	text = fake_xs_get(path);
	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

/* --- connection --- */

static uint32_t queue_key(uint32_t queue, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "queue-%u/%s", queue, key);
	return fake_back.nr_queues > 1 ? fake_key(path) : fake_key(key);
}

static void attach_queue(uint32_t i)
{
	struct fake_back_queue *q = &fake_back.queue[i];
	uint32_t both = queue_key(i, "event-channel");

	*q = (struct fake_back_queue){ .tx = (void *)fake_page(queue_key(i, "tx-ring-ref")),
				       .rx = (void *)fake_page(queue_key(i, "rx-ring-ref")) };
	q->tx_port = both != UINT32_MAX ? both : queue_key(i, "event-channel-tx");
	q->rx_port = both != UINT32_MAX ? both : queue_key(i, "event-channel-rx");
}

static void attach(void)
{
	uint32_t nr = fake_key("multi-queue-num-queues"), ctrl = fake_key("ctrl-ring-ref");

	fake_back.nr_queues = nr != UINT32_MAX ? nr : 1;
	assert_in_range(fake_back.nr_queues, 1, FAKE_QUEUES);
	for (uint32_t i = 0; i < fake_back.nr_queues; i++)
		attach_queue(i);
	fake_back.ctrl = ctrl != UINT32_MAX ? (void *)fake_page(ctrl) : NULL;
	fake_back.ctrl_port = fake_key("event-channel-ctrl");
	fake_back.ctrl_cons = fake_back.ctrl_prod = fake_back.nr_messages = fake_back.lent = 0;
}

static void detach(void)
{
	fake_back.nr_queues = 0;
	fake_back.ctrl = NULL;
	memset(fake_back.queue, 0, sizeof(fake_back.queue));
}

void fake_back_turn(void)
{
	uint32_t front = fake_state(FAKE_FRONT);

	if (front == fake_back.seen || front > 8 || !fake_back.answer[front])
		return;
	if (front == 4 && fake_state(FAKE_BACK) != 2)
		return;
	fake_back.seen = front;
	if (front == 4)
		attach();
	if (front == 6)
		detach();
	fake_xs_put(FAKE_BACK "/state", "%u", fake_back.answer[front]);
}

/* --- control ring --- */

static uint32_t undo_maps(const struct netif_ctrl_request *req)
{
	struct netif_gref *entry = (void *)fake_page(req->data[1]);

	for (uint32_t i = 0; i < req->data[2]; i++)
		entry[i].status = NETIF_CTRL_STATUS_SUCCESS;
	return req->data[2];
}

static bool control(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	switch (req->type) {
	case NETIF_CTRL_GET_HASH_FLAGS:
		rsp->data = 0xf;
		break;
	case NETIF_CTRL_GET_HASH_MAPPING_SIZE:
		rsp->data = 128;
		break;
	case NETIF_CTRL_GET_GREF_MAPPING_SIZE:
		rsp->data = 1024;
		break;
	case NETIF_CTRL_ADD_GREF_MAPPING:
		fake_back.lent += req->data[2];
		break;
	case NETIF_CTRL_DEL_GREF_MAPPING:
		fake_back.lent -= undo_maps(req);
		break;
	default:
		break;
	}
	return true;
}

void fake_back_control(uint32_t port)
{
	struct netif_ctrl_sring *ring = fake_back.ctrl;

	if (!ring || port != fake_back.ctrl_port)
		return;
	while (fake_back.ctrl_cons != ring->idx.req_prod) {
		union netif_ctrl_entry *entry = &ring->entry[fake_back.ctrl_cons++ % 128];
		struct netif_ctrl_request req = entry->req;
		struct netif_ctrl_response rsp = { .id = req.id, .type = req.type };

		if (fake_back.nr_messages < FAKE_MESSAGES)
			fake_back.message[fake_back.nr_messages++] = req;
		if (!(fake_back.control ? fake_back.control : control)(&req, &rsp))
			continue;
		ring->entry[fake_back.ctrl_prod++ % 128].rsp = rsp;
		ring->idx.rsp_prod = fake_back.ctrl_prod;
		fake_ring(port);
	}
}

/* --- frames --- */

static void take_slot(struct fake_sent *sent, struct netif_tx_request req, uint32_t size)
{
	assert_true(size <= NETIF_PAGE_SIZE && req.offset + size <= NETIF_PAGE_SIZE);
	assert_true(sent->len + size <= sizeof(sent->bytes));
	memcpy(sent->bytes + sent->len, fake_page(req.gref) + req.offset, size);
	sent->len += size;
	sent->req[sent->nr++] = req;
}

static struct netif_tx_request next_request(struct fake_back_queue *q)
{
	assert_int_not_equal(q->tx_cons, q->tx->idx.req_prod);
	return q->tx->entry[q->tx_cons++ & MASK].req;
}

bool fake_take(uint32_t queue, struct fake_sent *sent)
{
	struct fake_back_queue *q = &fake_back.queue[queue];
	struct netif_tx_request first, req;
	uint32_t rest = 0, at = 0;

	sent->nr = sent->nr_extras = sent->len = 0;
	if (q->tx_cons == q->tx->idx.req_prod)
		return false;
	first = req = next_request(q);
	for (bool more = first.flags & NETIF_TXF_EXTRA_INFO; more;) {
		assert_int_not_equal(q->tx_cons, q->tx->idx.req_prod);
		sent->extra[sent->nr_extras] = q->tx->entry[q->tx_cons++ & MASK].extra;
		more = sent->extra[sent->nr_extras++].flags & NETIF_EXTRA_FLAG_MORE;
	}
	while (req.flags & NETIF_TXF_MORE_DATA) {
		req = next_request(q);
		sent->req[++at] = req;
		rest += req.size;
	}
	take_slot(sent, first, first.size - rest);
	for (uint32_t i = 1; i <= at; i++)
		take_slot(sent, sent->req[i], sent->req[i].size);
	return true;
}

void fake_answer(uint32_t queue, uint16_t id, int16_t status)
{
	struct fake_back_queue *q = &fake_back.queue[queue];

	q->tx->entry[q->tx_prod++ & MASK].rsp = (struct netif_tx_response){ id, status };
	q->tx->idx.rsp_prod = q->tx_prod;
}

void fake_answer_all(uint32_t queue, const struct fake_sent *sent)
{
	for (uint32_t i = 0; i < sent->nr; i++)
		fake_answer(queue, sent->req[i].id, NETIF_STATUS_OKAY);
	for (uint32_t i = 0; i < sent->nr_extras; i++)
		fake_answer(queue, 0, NETIF_STATUS_NULL);
}

void fake_put(uint32_t queue, const void *bytes, uint16_t offset, int16_t len, uint16_t flags)
{
	struct fake_back_queue *q = &fake_back.queue[queue];
	union netif_rx_entry *entry = &q->rx->entry[q->rx_prod & MASK];
	struct netif_rx_request req = entry->req;

	assert_int_not_equal(q->rx_prod, q->rx->idx.req_prod);
	q->rx_prod++;
	if (bytes && len > 0)
		memcpy(fake_page(req.gref) + offset, bytes, (size_t)len);
	entry->rsp = (struct netif_rx_response){
		.id = req.id, .offset = offset, .flags = flags, .status = len
	};
}

void fake_put_extra(uint32_t queue, const struct netif_extra_info *extra)
{
	struct fake_back_queue *q = &fake_back.queue[queue];

	assert_int_not_equal(q->rx_prod, q->rx->idx.req_prod);
	q->rx->entry[q->rx_prod++ & MASK].extra = *extra;
}

void fake_deliver(uint32_t queue)
{
	fake_back.queue[queue].rx->idx.rsp_prod = fake_back.queue[queue].rx_prod;
}

/* --- a test's life --- */

/* What EAL asks whether its drivers' folder is there. It isn't: loading them all is half the work of a start. */
int stat64(const char *path, struct stat64 *status)
{
	if (strstr(path, "/dpdk/pmds-")) {
		errno = ENOENT;
		return -1;
	}
	return fstatat64(AT_FDCWD, path, status, 0);
}

int fake_back_eal(void **state)
{
	cpu_set_t cpus;
	char *argv[] = { "test",
			 "--no-huge",
			 "--no-shconf",
			 "-m",
			 "96",
			 "--no-pci",
			 "--no-telemetry",
			 "--iova-mode=va",
			 "--log-level=5",
			 "-l",
			 "0",
			 "-d",
			 "librte_mempool_ring.so",
			 NULL };

	(void)state;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ||
	    rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0) {
		fprintf(stderr, "DPDK does not start\n");
		return -1;
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	fake_pool = rte_pktmbuf_pool_create("frames", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					    SOCKET_ID_ANY);
	return fake_pool ? 0 : -1;
}

int fake_back_new(void **state)
{
	static const char *const offers[] = { "feature-rx-copy",
					      "feature-sg",
					      "feature-gso-tcpv4",
					      "feature-gso-tcpv6",
					      "feature-ipv6-csum-offload",
					      "feature-ctrl-ring",
					      "feature-split-event-channels",
					      "feature-multicast-control",
					      "feature-dynamic-multicast-control" };

	(void)state;
	fake_xs_clear();
	fake_back = (struct fake_back){ .answer = { [1] = 2, [4] = 4, [5] = 5, [6] = 6 } };
	fake_kernel_new();
	fake_xs_put("domid", "3");
	fake_xs_put(FAKE_FRONT "/backend", FAKE_BACK);
	fake_xs_put(FAKE_FRONT "/backend-id", "0");
	fake_xs_put(FAKE_FRONT "/mac", FAKE_MAC);
	fake_xs_put(FAKE_FRONT "/state", "1");
	fake_xs_put(FAKE_BACK "/state", "2");
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), FAKE_BACK "/%s", offers[i]);
		fake_xs_put(path, "1");
	}
	fake_xs_put(FAKE_BACK "/multi-queue-max-queues", "16");
	return 0;
}

int fake_probe(const char *args)
{
	return rte_vdev_init("net_xenfront0", args);
}

int fake_configure(uint16_t queues, uint16_t descriptors, uint64_t rx, uint64_t tx,
		   struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { .rxmode = { .offloads = rx, .max_lro_pkt_size = 65535 },
				     .txmode.offloads = tx };
	int err;

	conf.intr_conf.lsc = 1;
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	err = rte_eth_dev_configure(0, queues, queues, &conf);
	for (uint16_t i = 0; i < queues && !err; i++) {
		err = rte_eth_rx_queue_setup(0, i, descriptors, 0, NULL, pool);
		if (!err)
			err = rte_eth_tx_queue_setup(0, i, descriptors, 0, NULL);
	}
	return err;
}

void fake_run(uint16_t queues)
{
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(fake_configure(queues, 256, 0, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_back.nr_queues, queues);
}

int fake_back_end(void **state)
{
	(void)state;
	if (rte_eth_dev_count_avail())
		rte_vdev_uninit("net_xenfront0");
	assert_int_equal(rte_eth_dev_count_avail(), 0);
	assert_int_equal(fake_grants, 0);
	assert_true(rte_mempool_full(fake_pool));
	fake_kernel_end();
	fake_xs_clear();
	return 0;
}

uint64_t fake_xstat(const char *name)
{
	uint64_t id, value;

	assert_int_equal(rte_eth_xstats_get_id_by_name(0, name, &id), 0);
	assert_int_equal(rte_eth_xstats_get_by_id(0, &id, &value, 1), 1);
	return value;
}
