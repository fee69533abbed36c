/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Messages about flow rules, and what the packet path does by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/flow_check.h"
#include "backend/vif/ctrl.h"
#include "backend/vif/nic_flows.h"
#include "backend/vif/zerocopy_rx.h"
#include "fake_host.h"

#define OK NETIF_CTRL_STATUS_SUCCESS
#define INVALID NETIF_CTRL_STATUS_INVALID_PARAMETER
#define FRAME_BYTES 90u

static struct guest *guest;
static struct ctrl *ctrl;
static struct netif_ctrl_sring *ring;
static uint32_t page_ref, last_data;
static struct guest_frame got;

static int setup(void **state)
{
	uint32_t ring_ref;

	(void)state;
	if (host_open())
		return -1;
	guest = guest_new(7, 3);
	guest->live.flows = 16;
	guest->takes_marks = true;
	if (guest_connect(guest))
		return -1;
	ring_ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ring_ref);
	page_ref = guest_grant(guest, false);
	ctrl = ctrl_open(&fake_host.host, 7, ring_ref, 500);
	return !ctrl;
}

static int teardown(void **state)
{
	(void)state;
	guest_disconnect(guest);
	ctrl_close(ctrl);
	guest_free(guest);
	host_close();
	return fake_all_free() ? 0 : -1;
}

static uint32_t ask(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	static struct zerocopy_rx zerocopy_rx;
	static struct nic_flows nic_flows;
	uint32_t at = ring->idx.rsp_prod;
	uint64_t due_us;

	ring->entry[ring->idx.req_prod++ % NETIF_CTRL_RING_SIZE].req =
		(struct netif_ctrl_request){ .type = type, .data = { a, b, c } };
	fake_host.now_us += 100000;
	assert_null(ctrl_run(ctrl, guest->path, fake_host.host.workers[0], &zerocopy_rx, &nic_flows,
			     fake_host.now_us, &due_us));
	assert_int_equal(ring->idx.rsp_prod, at + 1);
	last_data = ring->entry[at % NETIF_CTRL_RING_SIZE].rsp.data;
	return ring->entry[at % NETIF_CTRL_RING_SIZE].rsp.status;
}

static uint32_t create(const struct vifflow_rule *rule)
{
	memcpy(guest_page(guest, page_ref), rule, sizeof(*rule));
	return ask(VIFFLOW_CTRL_CREATE, page_ref, 0, 0);
}

static void make_frame(uint8_t frame[FRAME_BYTES])
{
	memset(frame, 0, FRAME_BYTES);
	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[23] = 17;
}

static void rule_of_eth(struct vifflow_rule *rule, uint32_t id, uint16_t action, uint32_t value)
{
	memset(rule, 0, sizeof(*rule));
	rule->id = id;
	rule->nr_items = 1;
	rule->items[0].type = VIFFLOW_ITEM_ETH;
	rule->nr_actions = 2;
	rule->actions[0] = (struct vifflow_action){ .type = action, .value = value };
	rule->actions[1].type = VIFFLOW_ACTION_COUNT;
}

static void rules_steer_mark_and_count_frames(void **state)
{
	struct vifflow_rule rule;
	const struct vifflow_count *count = (void *)guest_page(guest, page_ref);
	uint8_t frame[FRAME_BYTES];
	uint32_t mark;

	(void)state;
	make_frame(frame);
	memcpy(frame, guest->port.port.mac.addr_bytes, 6);
	rule_of_eth(&rule, 5, VIFFLOW_ACTION_QUEUE, 2);
	rule.nr_actions = 3;
	rule.actions[2] = (struct vifflow_action){ .type = VIFFLOW_ACTION_MARK, .value = 0xabcdef };
	assert_int_equal(create(&rule), OK);
	guest_rx_post(guest, 2, 8);
	port_feed(&guest->port, frame, sizeof(frame), 0);
	guest_poll(guest);
	assert_true(guest_receive(guest, 2, &got));
	assert_int_equal(got.nr_extras, 1);
	assert_int_equal(got.extra[0].type, VIFFLOW_EXTRA_MARK);
	memcpy(&mark, got.extra[0].u.hash.value, sizeof(mark));
	assert_int_equal(mark, 0xabcdef);
	assert_int_equal(ask(VIFFLOW_CTRL_QUERY, 5, page_ref, VIFFLOW_QUERY_RESET), OK);
	assert_int_equal(count->frames, 1);
	assert_int_equal(count->bytes, sizeof(frame));
	assert_int_equal(ask(VIFFLOW_CTRL_QUERY, 5, page_ref, 0), OK);
	assert_int_equal(count->frames, 0);
	assert_int_equal(ask(VIFFLOW_CTRL_DESTROY, 5, 0, 0), OK);
	assert_null(path_get_flows(guest->path));
}

static void what_is_wrong_is_refused_with_its_reason(void **state)
{
	struct vifflow_rule rule;

	(void)state;
	rule_of_eth(&rule, 1, VIFFLOW_ACTION_QUEUE, 3);
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(VIFFLOW_REASON(last_data), VIFFLOW_REASON_ACTION_VALUE);
	rule_of_eth(&rule, 1, VIFFLOW_ACTION_DROP, 0);
	rule.items[0].type = VIFFLOW_ITEM_IPV4;
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(VIFFLOW_REASON(last_data), VIFFLOW_REASON_ITEM_ORDER);
	rule.items[0].type = 99;
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(VIFFLOW_REASON(last_data), VIFFLOW_REASON_ITEM_TYPE);
	rule_of_eth(&rule, 1, VIFFLOW_ACTION_COUNT, 0);
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(VIFFLOW_REASON(last_data), VIFFLOW_REASON_FATE);
	assert_int_equal(ask(VIFFLOW_CTRL_CREATE, 0, 0, 0), INVALID);
	assert_int_equal(last_data, VIFFLOW_REASON_PAGE);
	assert_int_equal(ask(VIFFLOW_CTRL_DESTROY, 1, 0, 0), INVALID);
	assert_int_equal(last_data, VIFFLOW_REASON_ABSENT);
	rule_of_eth(&rule, 0, VIFFLOW_ACTION_DROP, 0);
	for (; rule.id < 16; rule.id++)
		assert_int_equal(create(&rule), OK);
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(last_data, VIFFLOW_REASON_MANY);
	rule.id = 3;
	assert_int_equal(create(&rule), INVALID);
	assert_int_equal(last_data, VIFFLOW_REASON_EXISTS);
	assert_int_equal(ask(VIFFLOW_CTRL_FLUSH, 0, 0, 0), OK);
	assert_int_equal(last_data, 16);
}

static void isolated_guest_gets_only_what_a_rule_names(void **state)
{
	uint8_t frame[FRAME_BYTES];

	(void)state;
	make_frame(frame);
	memcpy(frame, guest->port.port.mac.addr_bytes, 6);
	assert_int_equal(ask(VIFFLOW_CTRL_ISOLATE, 1, 0, 0), OK);
	port_feed(&guest->port, frame, sizeof(frame), 0);
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_flow), 1);
	assert_int_equal(ask(VIFFLOW_CTRL_ISOLATE, 0, 0, 0), OK);
	assert_null(path_get_flows(guest->path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules_steer_mark_and_count_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_with_its_reason, setup,
						teardown),
		cmocka_unit_test_setup_teardown(isolated_guest_gets_only_what_a_rule_names, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
