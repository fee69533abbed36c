// SPDX-License-Identifier: BSD-3-Clause
/* Checks of pmdcheck in which the host changes something, and ports come and go */
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"
#include "pmd.h"

static volatile uint32_t lsc, state, removed;

static int on_event(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port, (void)arg, (void)ret;
	lsc += event == RTE_ETH_EVENT_INTR_LSC;
	state += event == RTE_ETH_EVENT_QUEUE_STATE;
	removed += event == RTE_ETH_EVENT_INTR_RMV;
	return 0;
}

static bool link_is(bool up)
{
	struct rte_eth_link link;

	return !rte_eth_link_get_nowait(1, &link) && (link.link_status == RTE_ETH_LINK_UP) == up;
}

static bool link_is_down(void)
{
	return link_is(false) && lsc > 0;
}

static bool link_is_up(void)
{
	return link_is(true);
}

static bool state_came(void)
{
	return state > 0;
}

static bool was_removed(void)
{
	return removed > 0;
}

static uint16_t next_port = 30000;

static bool frame_passes(void)
{
	return pmd_passes(&(struct pmd_spec){ .port = next_port++, .payload = 300 });
}

static void link_events(void)
{
	lsc = 0;
	pmd_say("link_down_event", pmd_do("link-off") && pmd_until(link_is_down));
	lsc = 0;
	pmd_say("link_up_event", pmd_do("link-auto") && pmd_until(link_is_up) && frame_passes());
}

static bool tso_is(bool there)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(1, &info) &&
	       !!(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO) == there;
}

static bool tso_is_lost(void)
{
	return tso_is(false);
}

static bool tso_is_back(void)
{
	return tso_is(true);
}

static void record_events(void)
{
	char text[1100];

	state = 0;
	pmd_say("record_event", pmd_do("offload-none") && pmd_until(state_came));
	pmd_say("dev_info_follows_the_record", pmd_until(tso_is_lost));
	pmd_say("frames_pass_after_a_loss", frame_passes());
	pmd_say("dev_info_follows_a_gain", pmd_do("offload-all") && pmd_until(tso_is_back));
	pmd_say("record_text",
		rte_pmd_xenfront_record(1, text, sizeof(text)) > 0 && strstr(text, "version=1"));
}

static bool may_ask(void)
{
	char text[1100];

	return rte_pmd_xenfront_record(1, text, sizeof(text)) > 0 &&
	       strstr(text, "flags-allowed=2");
}

/* While nobody serves the vif a frame is lost; the next one may pass */
static bool frames_pass_again(void)
{
	return pmd_passes_within(&(struct pmd_spec){ .port = next_port++, .payload = 300 }, 200);
}

/* A record that changes often is held back, for seconds: the last two are asked for on a new connection */
static void requests(const struct pmd_setup *setup)
{
	struct rte_ether_addr mac = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } };

	pmd_say("promiscuous_refused", rte_eth_promiscuous_enable(1) != 0);
	pmd_say("mac_refused", rte_eth_dev_default_mac_addr_set(1, &mac) != 0);
	pmd_say("requests_allowed", pmd_do("allow") && pmd_until(may_ask));
	pmd_say("start_again", pmd_start(setup));
	pmd_say("promiscuous", rte_eth_promiscuous_enable(1) == 0);
	pmd_say("mac_set", rte_eth_dev_default_mac_addr_set(1, &mac) == 0);
	pmd_say("frames_pass_with_the_new_mac", pmd_until(frames_pass_again));
	rte_eth_promiscuous_disable(1);
}

static uint64_t connects;

static bool connects_anew(void)
{
	return pmd_xstat(1, "connects") == connects + 1;
}

static void lives(void)
{
	pmd_say("vifd_killed", pmd_do("kill-vifd") && pmd_until(frames_pass_again));
	connects = pmd_xstat(1, "connects");
	pmd_say("back_end_closes",
		pmd_do("close") && pmd_until(connects_anew) && pmd_until(frames_pass_again));
	pmd_say("reset", rte_eth_dev_reset(1) == 0);
}

static void unplug(void)
{
	struct rte_eth_dev_info info;
	uint16_t port;

	pmd_say("detach", rte_eth_dev_info_get(1, &info) == 0 && rte_eth_dev_close(1) == 0 &&
				  rte_dev_remove(info.device) == 0 &&
				  rte_eth_dev_count_avail() == 1);
	pmd_say("attach",
		rte_dev_probe("vdev:net_xenfront1,vif=1") == 0 && rte_eth_dev_count_avail() == 2);
	pmd_say("unknown_argument", rte_dev_probe("vdev:net_xenfront2,vif=1,speed=3") != 0);
	pmd_say("absent_vif", rte_dev_probe("vdev:net_xenfront3,vif=7") != 0);
	pmd_say("taken_vif", rte_dev_probe("vdev:net_xenfront4,vif=1") != 0);
	RTE_ETH_FOREACH_DEV (port)
		rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, on_event, NULL);
	removed = 0;
	pmd_say("removal_event",
		pmd_do("detach") && pmd_until(was_removed) && rte_eth_dev_is_removed(1) == 1);
}

void pmd_events(void)
{
	struct pmd_setup setup = { 0 };

	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_LSC, on_event, NULL);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_QUEUE_STATE, on_event, NULL);
	if (!pmd_start(&setup)) {
		pmd_say("start", false);
		return;
	}
	link_events();
	record_events();
	requests(&setup);
	lives();
	unplug();
}
