/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront's flow rules: what the back end gets, and what becomes of what it answers. */
#include "fake_back.h"

#include <errno.h>
#include <string.h>

#include <rte_flow.h>

#include "common/flow.h"

#define RECORD FAKE_BACK "/capability"

static const struct rte_flow_attr attr = { .ingress = 1, .priority = 7 };
static const struct rte_flow_item_ipv4 ipv4 = { .hdr.src_addr = RTE_BE32(0x0a000001) };
static const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
						{ .type = RTE_FLOW_ITEM_TYPE_VOID },
						{ .type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &ipv4 },
						{ .type = RTE_FLOW_ITEM_TYPE_END } };
static const struct rte_flow_action_mark mark = { .id = 0x123456 };
static const struct rte_flow_action actions[] = { { RTE_FLOW_ACTION_TYPE_MARK, &mark },
						  { RTE_FLOW_ACTION_TYPE_COUNT, NULL },
						  { RTE_FLOW_ACTION_TYPE_DROP, NULL },
						  { RTE_FLOW_ACTION_TYPE_END, NULL } };
static const struct rte_flow_action counts[] = { { RTE_FLOW_ACTION_TYPE_COUNT, NULL },
						 { RTE_FLOW_ACTION_TYPE_END, NULL } };

static struct vifflow_rule rule; /* the last that came */
static uint32_t creates, isolates, posted, refusal;
static bool silent;
static struct rte_flow_error error;

/* As vifd, but that it refuses each rule with @refusal, if there is one, or is silent */
static bool answer(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	struct vifflow_count count = { .frames = 5, .bytes = UINT64_MAX };

	if (silent && req->type >= VIFFLOW_CTRL_VALIDATE)
		return false;
	if (req->type == VIFFLOW_CTRL_VALIDATE || req->type == VIFFLOW_CTRL_CREATE) {
		memcpy(&rule, fake_page(req->data[0]), sizeof(rule));
		rsp->data = refusal;
		rsp->status = refusal ? NETIF_CTRL_STATUS_INVALID_PARAMETER : 0;
		creates += req->type == VIFFLOW_CTRL_CREATE && !refusal;
		posted = fake_back.queue[0].rx->idx.req_prod;
	} else if (req->type == VIFFLOW_CTRL_QUERY) {
		rsp->data = refusal;
		rsp->status = refusal ? NETIF_CTRL_STATUS_INVALID_PARAMETER : 0;
		memcpy(fake_page(req->data[1]), &count, sizeof(count));
	} else if (req->type == VIFFLOW_CTRL_ISOLATE) {
		isolates += req->data[0];
	}
	return true;
}

static int setup(void **state)
{
	int err = fake_back_new(state);

	memset(&error, 0, sizeof(error));
	creates = isolates = posted = refusal = 0;
	silent = false;
	fake_back.control = answer;
	fake_xs_put(RECORD, "version=1 generation=1 flows=8");
	return err;
}

static struct rte_flow *create(void)
{
	return rte_flow_create(0, &attr, pattern, actions, &error);
}

static void reconnect(void)
{
	fake_xs_put(FAKE_BACK "/state", "5");
	fake_watch();
	fake_watch();
	assert_int_equal(fake_xstat("connects"), 2);
}

/* Header by header, the void item left out, default masks filled in */
static void layout(void **state)
{
	static const uint8_t source[] = { 10, 0, 0, 1 }, ones[] = { 255, 255, 255, 255 };

	(void)state;
	fake_run(1);
	assert_non_null(create());
	assert_int_equal(rule.priority, 7);
	assert_int_equal(rule.nr_items, 2);
	assert_int_equal(rule.items[0].type, VIFFLOW_ITEM_ETH);
	assert_int_equal(rule.items[0].mask[0], 0);
	assert_int_equal(rule.items[1].type, VIFFLOW_ITEM_IPV4);
	assert_memory_equal(rule.items[1].spec + 12, source, 4);
	assert_memory_equal(rule.items[1].mask + 12, ones, 4);
	assert_memory_equal(rule.items[1].mask + 16, ones, 4);
	assert_int_equal(rule.items[1].mask[8], 0);
	assert_int_equal(rule.nr_actions, 3);
	assert_int_equal(rule.actions[0].type, VIFFLOW_ACTION_MARK);
	assert_int_equal(rule.actions[0].value, 0x123456);
	assert_int_equal(rule.actions[2].type, VIFFLOW_ACTION_DROP);
}

static void not_announced(void **state)
{
	(void)state;
	fake_xs_put(RECORD, "version=1 generation=1 mtu=1500");
	fake_run(1);
	assert_null(create());
	assert_int_equal(rte_errno, ENOTSUP);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_STATE);
	assert_int_equal(rte_flow_isolate(0, 1, &error), -ENOTSUP);
	for (uint32_t i = 0; i < fake_back.nr_messages; i++)
		assert_true(fake_back.message[i].type < VIFFLOW_CTRL_VALIDATE);
}

/* Every reason, for every place, also those that the rule does not have: nothing is remembered */
static void reasons(void **state)
{
	uint32_t at_item = 0, at_action = 0;

	(void)state;
	fake_run(1);
	for (uint32_t reason = 1; reason < 20; reason++) {
		for (uint32_t at = 0; at < 0x10000; at = at < 16 ? at + 1 : at * 2 + 1) {
			refusal = reason | at << 16;
			assert_null(create());
			assert_non_null(error.message);
			if (error.type == RTE_FLOW_ERROR_TYPE_ITEM) {
				assert_in_range(at, 0, 1);
				assert_ptr_equal(error.cause, &pattern[at ? 2 : 0]);
				at_item++;
			} else if (error.type == RTE_FLOW_ERROR_TYPE_ACTION) {
				assert_in_range(at, 0, 2);
				assert_ptr_equal(error.cause, &actions[at]);
				at_action++;
			}
		}
	}
	assert_int_equal(at_item, 4 * 2);
	assert_int_equal(at_action, 3 * 3);
	assert_int_equal(fake_xstat("flow_rules"), 0);
}

static void counters(void **state)
{
	struct rte_flow_query_count count = { .reset = 1 };
	struct rte_flow *flow;

	(void)state;
	fake_run(1);
	flow = create();
	assert_int_equal(rte_flow_query(0, flow, counts, &count, &error), 0);
	assert_int_equal(count.hits, 5);
	assert_true(count.bytes == UINT64_MAX);
	assert_int_equal(fake_back.message[fake_back.nr_messages - 1].data[2], VIFFLOW_QUERY_RESET);
	refusal = VIFFLOW_REASON_PAGE;
	assert_int_equal(rte_flow_query(0, flow, counts, &count, &error), -EINVAL);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_HANDLE);
}

/* One message is waited for; later ones are not sent at all. What is not known to be there is not kept */
static void no_answer(void **state)
{
	struct rte_flow *flow;

	(void)state;
	fake_run(1);
	flow = create();
	silent = true;
	assert_null(create());
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_STATE);
	assert_int_not_equal(rte_flow_destroy(0, flow, &error), 0);
	assert_int_equal(fake_xstat("flow_rules"), 1);
	silent = false;
	reconnect();
	assert_int_equal(fake_xstat("flow_rules_in_force"), 1);
	assert_int_equal(rte_flow_destroy(0, flow, &error), 0);
	assert_int_equal(fake_xstat("flow_rules"), 0);
}

/* In their order, and before the back end has a buffer to put a frame into */
static void sent_again(void **state)
{
	(void)state;
	fake_run(1);
	create();
	create();
	assert_int_equal(posted, 256);
	assert_int_equal(rte_flow_isolate(0, 1, &error), 0);
	reconnect();
	assert_int_equal(creates, 4);
	assert_int_equal(isolates, 2);
	assert_int_equal(posted, 0);
	assert_int_equal(rule.id, 2);
	assert_int_equal(fake_xstat("flow_rules_in_force"), 2);
}

static void refused_by_the_next(void **state)
{
	struct rte_flow_query_count count = { 0 };
	struct rte_flow *flow;

	(void)state;
	fake_run(1);
	flow = create();
	refusal = VIFFLOW_REASON_COST;
	reconnect();
	assert_int_equal(fake_xstat("flow_rules"), 1);
	assert_int_equal(fake_xstat("flow_rules_in_force"), 0);
	assert_int_equal(rte_flow_query(0, flow, counts, &count, &error), -EAGAIN);
	refusal = 0;
	fake_xs_put(RECORD, "version=1 generation=2 flows=9"); /* it may take them now */
	fake_watch();
	assert_int_equal(fake_xstat("flow_rules_in_force"), 1);
	assert_int_equal(rte_flow_query(0, flow, counts, &count, &error), 0);
}

/* A back end that has lost the rules is found out by the next record */
static void lost(void **state)
{
	(void)state;
	fake_run(1);
	create();
	refusal = VIFFLOW_REASON_ABSENT;
	fake_xs_put(RECORD, "version=1 generation=2 flows=8");
	fake_watch();
	assert_int_equal(fake_xstat("flow_rules_in_force"), 0); /* and refused once more */
	refusal = 0;
	fake_xs_put(RECORD, "version=1 generation=3 flows=8");
	fake_watch();
	assert_int_equal(fake_xstat("flow_rules_in_force"), 1);
	assert_int_equal(creates, 2);
}

static void isolated_or_not_at_all(void **state)
{
	(void)state;
	fake_xs_put(RECORD, "version=1 generation=1 flows=0");
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(fake_configure(1, 256, 0, 0, fake_pool), 0);
	assert_int_equal(rte_flow_isolate(0, 1, &error), 0);
	assert_int_equal(rte_eth_dev_start(0), -ENOTSUP);
	fake_xs_put(RECORD, "version=1 generation=2 flows=8");
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(isolates, 1);
}

static struct rte_mbuf *receive_marked(uint32_t value)
{
	static const uint8_t bytes[60] = { 2, [12] = 0xff, 0xff };
	struct netif_extra_info extra = { .type = VIFFLOW_EXTRA_MARK };
	struct rte_mbuf *m = NULL;

	memcpy(extra.u.hash.value, &value, sizeof(value));
	fake_put(0, bytes, 0, sizeof(bytes), NETIF_RXF_EXTRA_INFO);
	fake_put_extra(0, &extra);
	fake_deliver(0);
	return rte_eth_rx_burst(0, 0, &m, 1) ? m : NULL;
}

static void marks(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	m = receive_marked(VIFFLOW_MARK_MAX);
	assert_non_null(m);
	assert_int_equal(m->hash.fdir.hi, VIFFLOW_MARK_MAX);
	assert_true(m->ol_flags & RTE_MBUF_F_RX_FDIR && m->ol_flags & RTE_MBUF_F_RX_FDIR_ID);
	rte_pktmbuf_free(m);
	assert_null(receive_marked(VIFFLOW_MARK_MAX + 1));
	assert_int_equal(fake_xstat("rx_queue0_malformed"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(layout),
		TEST(not_announced),
		TEST(reasons),
		TEST(counters),
		TEST(no_answer),
		TEST(sent_again),
		TEST(refused_by_the_next),
		TEST(lost),
		TEST(isolated_or_not_at_all),
		TEST(marks),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
