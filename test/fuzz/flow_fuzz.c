/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c test/unit/flow_reference.c */
/*
 * Flow rules: messages, the pages that they point to, both rewritten while they are copied, and
 * frames, which go where test/unit/flow_reference.h says; and tables as they may stand in a file
 * that somebody has damaged.
 */
#include "fuzz.h"

#include "backend/path/flow_check.h"
#include "backend/path/flow_search.h"
#include "backend/vif/ctrl.h"
#include "backend/vif/nic_flows.h"
#include "backend/vif/zerocopy_rx.h"
#include "test/unit/fake_host.h"
#include "test/unit/flow_reference.h"

#define QUEUES 3u
#define RULES 12u

static struct guest *guest;
static struct netif_ctrl_sring *ring;
static struct fuzz_input mutations;
static uint32_t page_ref;
static struct guest_frame frame;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return fake_start(NULL) || host_open();
}

static void mutate(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	uint16_t what = fuzz_u16(&mutations);

	(void)arg;
	(void)in;
	(void)ops;
	(void)nr;
	if (what & 1)
		fuzz_bytes(&mutations, guest_page(guest, page_ref) + (what >> 4) % 2048, 4);
	if (what & 2)
		fuzz_bytes(&mutations, &ring->entry[0], sizeof(ring->entry[0]));
}

static void fuzz_item(struct fuzz_input *input, struct vifflow_item *item, uint16_t type)
{
	item->type = type;
	fuzz_bytes(input, item->spec, reference_bytes(type));
	for (uint32_t i = 0; i < 2; i++)
		item->mask[fuzz_u8(input) % reference_bytes(type)] = fuzz_u8(input);
}

/* A rule that is right in most parts. */
static void fuzz_rule(struct fuzz_input *input, struct vifflow_rule *rule)
{
	static const uint16_t order[][5] = {
		{ VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_IPV4, VIFFLOW_ITEM_UDP, VIFFLOW_ITEM_VXLAN,
		  VIFFLOW_ITEM_ETH },
		{ VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_VLAN, VIFFLOW_ITEM_IPV6, VIFFLOW_ITEM_TCP },
		{ VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_VLAN, VIFFLOW_ITEM_VLAN, VIFFLOW_ITEM_IPV4,
		  VIFFLOW_ITEM_ICMP },
		{ VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_IPV6, VIFFLOW_ITEM_ICMP },
	};
	const uint16_t *types = order[fuzz_u8(input) % 4];
	uint8_t how = fuzz_u8(input);

	memset(rule, 0, sizeof(*rule));
	rule->id = how % 8;
	rule->priority = fuzz_u8(input) % 3;
	rule->nr_items = (uint16_t)(1 + fuzz_u8(input) % 5);
	for (uint32_t i = 0; i < rule->nr_items; i++)
		fuzz_item(input, &rule->items[i], types[i]);
	rule->nr_actions = (uint16_t)(1 + fuzz_u8(input) % 3);
	for (uint32_t i = 0; i < rule->nr_actions; i++) {
		rule->actions[i].type = (uint16_t)(1 + fuzz_u8(input) % 6);
		rule->actions[i].value = fuzz_u8(input) % 4;
	}
	if (rule->actions[0].type == VIFFLOW_ACTION_RSS) {
		rule->actions[0].nr_queues = fuzz_u8(input) % 5;
		fuzz_bytes(input, rule->actions[0].queues, 4);
	}
	if (how & 128)
		fuzz_bytes(input, (uint8_t *)rule + (how >> 3) % 16 * 64, 48);
}

static void run(struct ctrl *ctrl)
{
	static struct zerocopy_rx zerocopy_rx;
	static struct nic_flows nic_flows;
	const struct flows *flows;
	uint64_t due_us;

	fake_host.now_us += 2000;
	ctrl_run(ctrl, guest->path, fake_host.host.workers[0], &zerocopy_rx, &nic_flows,
		 fake_host.now_us, &due_us);
	flows = path_get_flows(guest->path);
	fuzz_check(!flows || (flows_are_whole(flows, QUEUES) && flows->nr <= RULES));
}

static void send_message(struct fuzz_input *input, struct ctrl *ctrl)
{
	uint16_t type = (uint16_t)(VIFFLOW_CTRL_VALIDATE + fuzz_u8(input) % 7);
	struct netif_ctrl_request req = { .type = type };

	if (type <= VIFFLOW_CTRL_CREATE) {
		req.data[0] = page_ref;
		fuzz_rule(input, (void *)guest_page(guest, page_ref));
	} else {
		req.data[0] = fuzz_u8(input) % 9;
	}
	if (type == VIFFLOW_CTRL_QUERY)
		req.data[1] = page_ref;
	if (fuzz_u8(input) == 255)
		fuzz_bytes(input, req.data, sizeof(req.data));
	ring->entry[ring->idx.req_prod++ % NETIF_CTRL_RING_SIZE].req = req;
	run(ctrl);
}

/* A guest that is hostile only by the number of its frames. */
static void pass_frame(struct fuzz_input *input)
{
	uint8_t bytes[512];
	uint32_t len = fuzz_frame(input, bytes, sizeof(bytes));

	port_feed(&guest->port, bytes, len, fuzz_u8(input) & 1 ? 20 : 0);
	guest_poll(guest);
	for (uint32_t i = 0; i < QUEUES; i++)
		while (guest_receive(guest, i, &frame))
			guest_rx_post(guest, i, frame.slots);
}

/* One checked rule and one frame: do the two agree? */
static void compare_one(struct fuzz_input *input)
{
	static const struct policy policy;
	static const struct steer steer;
	static struct flow_counts counts;
	static struct flow_search search;
	struct flows flows = { .isolated = 1 };
	struct vifflow_rule rule;
	struct flow_draft draft;
	struct rte_mbuf *mbuf;
	uint8_t bytes[512];
	uint32_t len;
	bool passes;

	fuzz_rule(input, &rule);
	if (flow_check(&rule, QUEUES, &policy, &draft))
		return;
	fuzz_check(draft.rule.nr_words <= FLOW_WORDS_MAX);
	flows_insert(&flows, &draft.rule, draft.words);
	fuzz_check(flows_are_whole(&flows, QUEUES));
	len = fuzz_frame(input, bytes, sizeof(bytes));
	mbuf = rte_pktmbuf_alloc(fake_tools.pool);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
	flow_search_init(&search, &flows, &counts);
	passes = flow_search_queue(&search, &steer, mbuf, QUEUES) >= 0;
	if (draft.rule.fate == VIFFLOW_ACTION_QUEUE || draft.rule.fate == VIFFLOW_ACTION_RSS)
		fuzz_check(passes == reference_matches(&rule, bytes, len));
	else
		fuzz_check(!passes);
	rte_pktmbuf_free(mbuf);
}

/* A table of any bytes is refused, or does no harm. */
static void use_damaged(struct fuzz_input *input)
{
	static struct flow_counts counts;
	static struct flow_search search;
	static const struct steer steer;
	static struct flows flows;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(fake_tools.pool);
	uint8_t bytes[512];
	uint32_t len = fuzz_frame(input, bytes, sizeof(bytes));
	int queue;

	memset(&flows, 0, sizeof(flows));
	flows.nr = fuzz_u8(input) % 4;
	flows.nr_words = fuzz_u8(input) % 8;
	fuzz_bytes(input, flows.rules, 2 * sizeof(flows.rules[0]));
	fuzz_bytes(input, flows.words, 4 * sizeof(flows.words[0]));
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
	if (flows_are_whole(&flows, QUEUES)) {
		/* what is derived is derived again, as ctrl_flows_restore() does */
		flows_compile(&flows);
		flow_search_init(&search, &flows, &counts);
		queue = flow_search_queue(&search, &steer, mbuf, QUEUES);
		fuzz_check(queue >= -1 && queue < (int)QUEUES);
	}
	rte_pktmbuf_free(mbuf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size / 4 * 3 };
	struct ctrl *ctrl;
	uint32_t ref;

	mutations = (struct fuzz_input){ data + size / 4 * 3, size - size / 4 * 3 };
	guest = guest_new(7, QUEUES);
	guest->live.flows = RULES;
	guest->takes_marks = true;
	fuzz_check(!guest_connect(guest));
	page_ref = guest_grant(guest, false);
	ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ref);
	for (uint32_t i = 0; i < QUEUES; i++)
		guest_rx_post(guest, i, 32);
	ctrl = ctrl_open(&fake_host.host, 7, ref, 500);
	fuzz_check(ctrl);
	for (uint32_t i = 0; i < 40 && input.left; i++) {
		uint8_t what = fuzz_u8(&input) % 8;

		fake_copy_hook = what < 5 ? mutate : NULL;
		if (what < 4)
			send_message(&input, ctrl);
		else if (what < 6)
			pass_frame(&input);
		else if (what < 7)
			compare_one(&input);
		else
			use_damaged(&input);
	}
	fake_copy_hook = NULL;
	port_forget(&guest->port);
	path_set_flows(guest->path, NULL, NULL);
	ctrl_close(ctrl);
	guest_free(guest);
	fuzz_check(fake_all_free());
	return 0;
}
