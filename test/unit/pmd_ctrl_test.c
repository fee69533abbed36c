/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront's control ring: static grants, RSS, and answers that do not come or are another's. */
#include "fake_back.h"

#include <errno.h>
#include <string.h>

static struct netif_gref lists[4096];
static uint32_t nr_listed;
static uint8_t key[40];
static uint32_t table[128];
static uint32_t most, refuses;

/* As vifd: notes lists, keys and tables when they are sent. @refuses: a message type that it does not know */
static bool notes(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	if (req->type == refuses) {
		rsp->status = NETIF_CTRL_STATUS_NOT_SUPPORTED;
		return true;
	}
	switch (req->type) {
	case NETIF_CTRL_GET_HASH_FLAGS:
		rsp->data = 0x3;
		break;
	case NETIF_CTRL_GET_HASH_MAPPING_SIZE:
		rsp->data = 128;
		break;
	case NETIF_CTRL_GET_GREF_MAPPING_SIZE:
		rsp->data = most;
		break;
	case NETIF_CTRL_ADD_GREF_MAPPING:
		assert_in_range(req->data[2], 1, 512);
		assert_true(nr_listed + req->data[2] <= 4096);
		memcpy(&lists[nr_listed], fake_page(req->data[1]), req->data[2] * sizeof(lists[0]));
		nr_listed += req->data[2];
		break;
	case NETIF_CTRL_SET_HASH_KEY:
		assert_int_equal(req->data[1], sizeof(key));
		memcpy(key, fake_page(req->data[0]), sizeof(key));
		break;
	case NETIF_CTRL_SET_HASH_MAPPING:
		assert_int_equal(req->data[1], 128);
		memcpy(table, fake_page(req->data[0]), sizeof(table));
		break;
	default:
		break;
	}
	return true;
}

static int setup(void **state)
{
	int err = fake_back_new(state);

	nr_listed = refuses = 0;
	most = 2048;
	memset(key, 0, sizeof(key));
	memset(table, 0xff, sizeof(table));
	fake_back.control = notes;
	return err;
}

static uint32_t messages(uint16_t type)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < fake_back.nr_messages; i++)
		nr += fake_back.message[i].type == type;
	return nr;
}

/* All pages of both queues, those that are sent from read-only; nothing else of the guest's */
static void static_grants(void **state)
{
	uint32_t readonly = 0;

	(void)state;
	fake_run(2);
	assert_int_equal(nr_listed, 2 * (256 + 256 + 256));
	assert_int_equal(messages(NETIF_CTRL_GET_GREF_MAPPING_SIZE), 2);
	for (uint32_t i = 0; i < nr_listed; i++) {
		readonly += lists[i].flags == NETIF_GREF_READONLY;
		for (uint32_t q = 0; q < 2; q++) {
			assert_ptr_not_equal(fake_page(lists[i].ref), fake_back.queue[q].tx);
			assert_ptr_not_equal(fake_page(lists[i].ref), fake_back.queue[q].rx);
		}
	}
	assert_int_equal(readonly, 2 * 256);
}

static void few_static_grants(void **state)
{
	(void)state;
	most = 100;
	fake_run(2);
	assert_int_equal(nr_listed, 200);
}

/* Grants for each frame then: frames pass */
static void no_static_grants(void **state)
{
	static struct fake_sent sent;
	struct rte_mbuf *m;

	(void)state;
	refuses = NETIF_CTRL_GET_GREF_MAPPING_SIZE;
	fake_run(2);
	assert_int_equal(nr_listed, 0);
	assert_int_equal(messages(NETIF_CTRL_ADD_GREF_MAPPING), 0);
	m = rte_pktmbuf_alloc(fake_pool);
	rte_pktmbuf_append(m, 60);
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_true(fake_take(0, &sent));
	fake_put(0, sent.bytes, 0, 60, 0);
	fake_deliver(0);
	assert_int_equal(rte_eth_rx_burst(0, 0, &m, 1), 1);
	rte_pktmbuf_free(m);
}

static void rss_is_off_by_default(void **state)
{
	(void)state;
	fake_run(2);
	assert_int_equal(messages(NETIF_CTRL_SET_HASH_ALGORITHM), 0);
}

static void rss(void **state)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1 }, { .mask = UINT64_C(1) << 63 } };
	struct rte_eth_rss_conf conf = { .rss_hf = RTE_ETH_RSS_IPV4 |
						   RTE_ETH_RSS_NONFRAG_IPV6_TCP };
	uint8_t wanted[40] = { 1, 2, 3 };

	(void)state;
	fake_run(2);
	conf.rss_key = wanted;
	conf.rss_key_len = sizeof(wanted);
	assert_int_equal(rte_eth_dev_rss_hash_update(0, &conf), 0);
	assert_memory_equal(key, wanted, sizeof(key));
	assert_int_equal(messages(NETIF_CTRL_SET_HASH_ALGORITHM), 1);
	/* of the types that are wanted, those that the back end has */
	for (uint32_t i = 0; i < fake_back.nr_messages; i++)
		if (fake_back.message[i].type == NETIF_CTRL_SET_HASH_FLAGS)
			assert_int_equal(fake_back.message[i].data[0], 1 << NETIF_HASH_IPV4);
	for (uint32_t i = 0; i < 128; i++)
		assert_int_equal(table[i], i % 2);
	reta[0].reta[0] = 1;
	reta[1].reta[63] = 0;
	assert_int_equal(rte_eth_dev_rss_reta_update(0, reta, 128), 0);
	assert_int_equal(table[0], 1);
	assert_int_equal(table[127], 0);
	assert_int_equal(table[126], 0);
	reta[0].reta[0] = 2; /* there are two queues */
	assert_int_equal(rte_eth_dev_rss_reta_update(0, reta, 128), -EINVAL);
	assert_int_equal(table[0], 1);
}

/* After a refusal what was before holds, and is sent to the next back end */
static void rss_refused(void **state)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1 } };

	(void)state;
	fake_run(2);
	reta[0].reta[0] = 1;
	assert_int_equal(rte_eth_dev_rss_reta_update(0, reta, 128), 0);
	refuses = NETIF_CTRL_SET_HASH_MAPPING;
	reta[0].reta[0] = 0;
	assert_int_equal(rte_eth_dev_rss_reta_update(0, reta, 128), -ENOTSUP);
	assert_int_equal(rte_eth_dev_rss_reta_query(0, reta, 128), 0);
	assert_int_equal(reta[0].reta[0], 1);
	refuses = 0;
	table[0] = 7;
	fake_xs_put(FAKE_BACK "/state", "5");
	fake_watch();
	fake_watch();
	assert_int_equal(table[0], 1);
}

static bool silent(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	(void)req, (void)rsp;
	return false;
}

static bool wrong_id(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	rsp->id = (uint16_t)(req->id + 1);
	return true;
}

static bool wrong_type(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	rsp->type = (uint16_t)(req->type ^ 1);
	return true;
}

/* No later message, because its answer might be an earlier one's; the port works without */
static void is_given_up_after(bool (*control)(const struct netif_ctrl_request *,
					      struct netif_ctrl_response *))
{
	struct rte_eth_rss_conf conf = { .rss_hf = RTE_ETH_RSS_IPV4 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(fake_pool);

	fake_back.control = control;
	fake_run(1);
	assert_int_equal(fake_back.nr_messages, 1);
	fake_back.control = notes;
	assert_int_not_equal(rte_eth_dev_rss_hash_update(0, &conf), 0);
	assert_int_equal(fake_back.nr_messages, 1);
	rte_pktmbuf_append(m, 60);
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_int_equal(fake_xstat("faults"), 0);
	rte_eth_dev_stop(0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(rte_eth_dev_rss_hash_update(0, &conf), 0);
}

static void no_answer(void **state)
{
	(void)state;
	is_given_up_after(silent);
}

static void answer_to_another(void **state)
{
	(void)state;
	is_given_up_after(wrong_id);
}

static void answer_of_another_type(void **state)
{
	(void)state;
	is_given_up_after(wrong_type);
}

/* As many messages as 16 queues need: the lock is not held for that many waits */
static void late_answers(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fake_pool);

	(void)state;
	fake_back.late_ms = 900;
	fake_run(16);
	assert_in_range(fake_back.nr_messages, 10, 12);
	assert_in_range(fake_held_us, 8000000, 11000000);
	rte_pktmbuf_append(m, 60);
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_int_equal(fake_xstat("faults"), 0);
}

/* Each caller has as long again */
static void late_answers_to_each_caller(void **state)
{
	struct rte_eth_rss_conf conf = { .rss_hf = RTE_ETH_RSS_IPV4 };

	(void)state;
	refuses = NETIF_CTRL_GET_GREF_MAPPING_SIZE;
	fake_run(2);
	fake_back.late_ms = 600; /* 7 messages */
	for (int i = 0; i < 3; i++)
		assert_int_equal(rte_eth_dev_rss_hash_update(0, &conf), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(static_grants),
		TEST(few_static_grants),
		TEST(no_static_grants),
		TEST(rss_is_off_by_default),
		TEST(rss),
		TEST(rss_refused),
		TEST(no_answer),
		TEST(answer_to_another),
		TEST(answer_of_another_type),
		TEST(late_answers),
		TEST(late_answers_to_each_caller),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
