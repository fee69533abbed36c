/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront and the capability record: what the application is told, asks for and gets. */
#include "fake_back.h"

#include <errno.h>
#include <string.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"

#define RECORD FAKE_BACK "/capability"
#define ALL "csum4,csum6,tso4,tso6,sg"

static uint32_t links, changes, faults;

static int on_event(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port, (void)arg, (void)ret;
	links += event == RTE_ETH_EVENT_INTR_LSC;
	changes += event == RTE_ETH_EVENT_QUEUE_STATE;
	faults += event == RTE_ETH_EVENT_INTR_RESET;
	return 0;
}

/* With the record that vifd writes for a vif on a VF */
static void run_with(const char *words)
{
	links = changes = faults = 0;
	fake_xs_put(RECORD,
		    "version=1 generation=1 path=vf link=up speed=10000 mtu=9000 "
		    "tx-offloads=" ALL "%s%s",
		    *words ? " " : "", words);
	fake_run(1);
	rte_eth_dev_callback_register(0, RTE_ETH_EVENT_INTR_LSC, on_event, NULL);
	rte_eth_dev_callback_register(0, RTE_ETH_EVENT_QUEUE_STATE, on_event, NULL);
	fake_watch();
}

static bool has(const char *words)
{
	const char *text = fake_xs_get(FAKE_FRONT "/capability");

	return text && strstr(text, words);
}

static void link_and_speed(void **state)
{
	struct rte_eth_link link;

	(void)state;
	run_with("");
	rte_eth_link_get_nowait(0, &link);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	assert_int_equal(link.link_speed, 10000);
	assert_int_equal(fake_key("capability-ack"), 1);
	fake_xs_put(RECORD, "version=1 generation=2 link=down speed=10000");
	fake_watch();
	rte_eth_link_get_nowait(0, &link);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	assert_int_equal(links, 1);
	assert_int_equal(changes, 1);
	fake_watch(); /* the same record is no change */
	assert_int_equal(changes, 1);
	fake_xs_put(RECORD, "version=1 generation=3 link=up speed=1000");
	fake_watch();
	rte_eth_link_get_nowait(0, &link);
	assert_int_equal(link.link_speed, 1000);
	assert_int_equal(links, 2);
	assert_int_equal(fake_key("capability-ack"), 3);
}

static void info_follows(void **state)
{
	struct rte_eth_dev_info info;

	(void)state;
	run_with("");
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_mtu, 9000);
	assert_true(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO);
	assert_true(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
	fake_xs_put(RECORD, "version=1 generation=2 mtu=1500 tx-offloads=csum4,csum6,tso4,sg");
	fake_watch();
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_mtu, 1500);
	assert_false(info.tx_offload_capa &
		     RTE_ETH_TX_OFFLOAD_TCP_TSO); /* of v4 only: DPDK has one word */
	assert_true(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
	assert_int_equal(rte_eth_dev_set_mtu(0, 2000), -EINVAL);
	assert_int_equal(rte_eth_dev_set_mtu(0, 1400), 0);
}

/* Lent pages are asked back before the loss is acknowledged, and lent again with the gain */
static void static_grants_follow(void **state)
{
	uint32_t lent;

	(void)state;
	run_with("static-grants=512");
	lent = fake_back.lent;
	assert_int_equal(lent, 256 + 256 + 256);
	fake_xs_put(RECORD, "version=1 generation=2 static-grants=0");
	fake_watch();
	assert_int_equal(fake_back.lent, 0);
	assert_int_equal(fake_key("capability-ack"), 2);
	fake_xs_put(RECORD, "version=1 generation=3 static-grants=512");
	fake_watch();
	assert_int_equal(fake_back.lent, lent);
}

/* What is no record changes nothing, is told once and is counted */
static void no_record(void **state)
{
	static const char *const garbage[] = { "",
					       "generation=2",
					       "version=1 generation=0",
					       "version=1 generation=2 generation=3",
					       "version=1 generation=2 mtu=99999999999",
					       "\x01\xff\xfe" };
	static char huge[2048];
	char text[1100];
	int len;

	(void)state;
	run_with("");
	len = rte_pmd_xenfront_record(0, text, sizeof(text));
	assert_true(len > 0 && strstr(text, "mtu=9000"));
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		fake_xs_set(RECORD, garbage[i], (uint32_t)strlen(garbage[i]));
		fake_watch();
	}
	memset(huge, 'a', sizeof(huge));
	fake_xs_set(RECORD, huge, sizeof(huge));
	fake_watch();
	assert_int_equal(changes, 0);
	assert_int_equal(fake_xstat("record_refused"), 7);
	assert_int_equal(fake_key("capability-ack"), 1);
	assert_int_equal(rte_pmd_xenfront_record(0, text, sizeof(text)), len);
	assert_int_equal(fake_xstat("faults"), 0);
}

/* The host's side of a wish: granted in the next record */
static void grant_wish(void)
{
	if (has("flags=promisc") || has("flags=2"))
		fake_xs_put(RECORD, "version=1 generation=2 flags=2 flags-allowed=2");
	else
		fake_xs_between = grant_wish;
}

static void promiscuous(void **state)
{
	(void)state;
	run_with("flags=0 flags-allowed=0");
	assert_int_not_equal(rte_eth_promiscuous_enable(0), 0);
	assert_false(has("flags=2"));
	fake_xs_put(RECORD, "version=1 generation=5 flags=0 flags-allowed=2");
	fake_watch();
	fake_xs_between = grant_wish;
	assert_int_equal(rte_eth_promiscuous_enable(0), 0);
	assert_int_equal(rte_eth_promiscuous_get(0), 1);
	assert_int_equal(rte_eth_promiscuous_disable(0), 0);
	assert_true(has("flags=0"));
}

/* Nobody grants it: the address stays, and the wish goes */
static void address_refused(void **state)
{
	struct rte_ether_addr wish = { { 2, 0, 0, 0, 0, 9 } }, now;

	(void)state;
	run_with("mac=" FAKE_MAC);
	assert_int_equal(rte_eth_dev_default_mac_addr_set(0, &wish), -EPERM);
	assert_true(has("mac=" FAKE_MAC));
	rte_eth_macaddr_get(0, &now);
	assert_int_equal(now.addr_bytes[5], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_back_new, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(link_and_speed), TEST(info_follows), TEST(static_grants_follow),
		TEST(no_record),      TEST(promiscuous),  TEST(address_refused),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
