/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
#include "flow_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/vif.h"

struct guest *flow_guest;
struct guest_frame flow_got;
uint32_t flow_page_ref;

static struct netif_ctrl_sring *ring;

void flow_guest_connect(uint16_t domid)
{
	uint32_t ring_ref;
	char ref[16];

	flow_guest = guest_new(domid, 1);
	flow_guest->takes_marks = true;
	ring_ref = guest_grant(flow_guest, false);
	ring = (void *)guest_page(flow_guest, ring_ref);
	flow_page_ref = guest_grant(flow_guest, false);
	host_toolstack(domid);
	host_settle();
	host_front_end(flow_guest);
	snprintf(ref, sizeof(ref), "%u", ring_ref);
	host_front_key(domid, "ctrl-ring-ref", ref);
	host_front_key(domid, "event-channel-ctrl", "500");
	host_front_state(domid, 4);
	host_settle();
	assert_int_equal(host_back_state(domid), 4);
	guest_rx_post(flow_guest, 0, 32);
}

uint32_t flow_ask(uint16_t type, uint32_t a, uint32_t b)
{
	uint32_t at = ring->idx.req_prod++;

	ring->entry[at % NETIF_CTRL_RING_SIZE].req =
		(struct netif_ctrl_request){ .id = 1, .type = type, .data = { a, b, 0 } };
	fake_host.now_us += 100000;
	vifs_find(fake_host.vifs, flow_guest->domid, 0)->stale |= STALE_STATE;
	host_settle();
	assert_int_equal(ring->idx.rsp_prod, at + 1);
	return ring->entry[at % NETIF_CTRL_RING_SIZE].rsp.status;
}

struct vifflow_rule *flow_draft(uint32_t id)
{
	struct vifflow_rule *rule = (void *)guest_page(flow_guest, flow_page_ref);

	memset(rule, 0, sizeof(*rule));
	rule->id = id;
	rule->nr_items = 1;
	rule->items[0].type = VIFFLOW_ITEM_ETH;
	return rule;
}

void flow_finish_handover(const char *where)
{
	uint16_t domid = flow_guest->domid;
	struct handover *handover = host_path(domid)->handover;

	assert_non_null(handover);
	host_settle();
	handover->stage = HANDOVER_LEFT;
	host_settle();
	handover->stage = HANDOVER_DONE;
	host_settle();
	assert_null(host_path(domid)->handover);
	assert_string_equal(host_back_key(domid, "path"), where);
}
