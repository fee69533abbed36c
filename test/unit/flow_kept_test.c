/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/flow_guest.c */
/* Flow rules where a vif moves to another port, to another vifd, to another host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/path/flows.h"
#include "backend/vif/ctrl.h"
#include "backend/vif/vif.h"
#include "fake_frame.h"
#include "flow_guest.h"

#define OK NETIF_CTRL_STATUS_SUCCESS
#define MARK 0x123456u
#define ID 77u

static char dir[] = "/tmp/vifd-flows.XXXXXX";
static uint8_t bytes[256];

static void forget_files(void)
{
	char path[64];

	for (uint32_t domid = 7; domid <= 9; domid += 2) {
		snprintf(path, sizeof(path), "%s/vif-%u.0", dir, domid);
		unlink(path);
	}
}

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	snprintf(fake_host.config.run_dir, sizeof(fake_host.config.run_dir), "%s", dir);
	flow_guest_connect(7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(flow_guest);
	forget_files();
	return fake_all_free() ? 0 : -1;
}

static void start_again(void)
{
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	assert_non_null(fake_host.vifs);
	host_settle();
	assert_non_null(host_path(flow_guest->domid));
}

/* UDP arrives, marked and counted; nothing else does. */
static void make_rules(void)
{
	struct vifflow_rule *rule = flow_draft(ID);

	rule->nr_items = 3;
	rule->items[1].type = VIFFLOW_ITEM_IPV4;
	rule->items[2].type = VIFFLOW_ITEM_UDP;
	rule->nr_actions = 3;
	rule->actions[0] = (struct vifflow_action){ .type = VIFFLOW_ACTION_MARK, .value = MARK };
	rule->actions[1].type = VIFFLOW_ACTION_COUNT;
	rule->actions[2] = (struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE };
	assert_int_equal(flow_ask(VIFFLOW_CTRL_CREATE, flow_page_ref, 0), OK);
	assert_int_equal(flow_ask(VIFFLOW_CTRL_ISOLATE, 1, 0), OK);
}

/* A frame comes in from whatever port the vif has. Return: the guest has got it */
static bool passes(uint32_t what)
{
	uint32_t len = frame_make(bytes, what, 100);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(fake_tools.pool);

	assert_non_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
	path_rx_accept(host_path(flow_guest->domid), &fake_tools, mbuf);
	host_poll();
	return guest_receive(flow_guest, 0, &flow_got);
}

static void assert_rules_hold(void)
{
	uint32_t mark;

	assert_true(passes(FRAME_UDP));
	assert_int_equal(flow_got.nr_extras, 1);
	assert_int_equal(flow_got.extra[0].type, VIFFLOW_EXTRA_MARK);
	memcpy(&mark, flow_got.extra[0].u.hash.value, sizeof(mark));
	assert_int_equal(mark, MARK);
	assert_false(passes(0));
}

static uint64_t counted(void)
{
	const struct vifflow_count *count = (void *)guest_page(flow_guest, flow_page_ref);

	assert_int_equal(flow_ask(VIFFLOW_CTRL_QUERY, ID, flow_page_ref), OK);
	return count->frames;
}

static void rules_survive_a_restart(void **state)
{
	(void)state;
	make_rules();
	assert_rules_hold();
	start_again();
	assert_rules_hold();
	assert_int_equal(counted(), 2);
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, ID, 0), OK);
	assert_int_equal(flow_ask(VIFFLOW_CTRL_ISOLATE, 0, 0), OK);
	start_again();
	assert_null(path_get_flows(host_path(7)));
	assert_true(passes(0));
	printf("fact flows_survive_restart true\n");
}

static void rules_survive_moves(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, 7, 0);

	(void)state;
	make_rules();
	assert_string_equal(host_back_key(7, "path"), "software");
	fake_host.vfs = fake_host.vf_free = 1;
	assert_int_equal(vif_move(vif, VIF_MOVE_VF), 0);
	host_settle();
	flow_finish_handover("vf");
	assert_rules_hold();
	assert_int_equal(vif_move(vif, VIF_MOVE_SOFTWARE), 0);
	host_settle();
	flow_finish_handover("software");
	assert_rules_hold();
	assert_int_equal(counted(), 2);
	printf("fact flows_survive_move true\n");
}

/* The other host knows nothing of the guest, which has another number and sends its rules again. */
static void rules_survive_a_migration(void **state)
{
	(void)state;
	make_rules();
	host_front_state(7, 6);
	host_settle();
	guest_free(flow_guest);
	vifs_close(fake_host.vifs);
	forget_files();
	fake_host.vifs = vifs_open(&fake_host.host);
	flow_guest_connect(9);
	assert_null(path_get_flows(host_path(9)));
	make_rules();
	assert_rules_hold();
	assert_int_equal(counted(), 1);
	printf("fact flows_survive_migration true\n");
}

/* A domain that has the number of one before it has none of its rules. */
static void rules_of_another_domain_are_not_believed(void **state)
{
	(void)state;
	fake_xs_put("/local/domain/7/vm", "/vm/01234567-89ab-cdef-0123-456789abcdef");
	make_rules();
	start_again();
	assert_null(path_get_flows(host_path(7)));
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(rules_survive_a_restart),
		KEPT(rules_survive_moves),
		KEPT(rules_survive_a_migration),
		KEPT(rules_of_another_domain_are_not_believed),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, host_start, NULL);
	rmdir(dir);
	return failed;
}
