/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest with a virtual PF, 7.0, and virtual VFs 7.1 to 7.3, of which 7.1 is VF 0; guest 8 has one
 * vif. Messages go by the PF's control ring.
 */
#ifndef VIFD_TEST_VIRTUAL_PF_FIXTURE_H
#define VIFD_TEST_VIRTUAL_PF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/vif.h"
#include "common/virtual_pf.h"
#include "fake_host.h"

#define OK NETIF_CTRL_STATUS_SUCCESS
#define INVALID NETIF_CTRL_STATUS_INVALID_PARAMETER
#define UNSUPPORTED NETIF_CTRL_STATUS_NOT_SUPPORTED
#define VFS 3u

static struct guest *guest;
static struct netif_ctrl_sring *ring;
static uint32_t ring_ref, page_ref, reason;

static inline void put(const char *side, uint32_t domid, uint32_t handle, const char *key,
		       const char *value)
{
	char path[128];

	snprintf(path, sizeof(path),
		 *side == 'b' ? HOST_BACK "%u/%u/%s" : "/local/domain/%u/device/vif/%u/%s", domid,
		 handle, key);
	fake_xs_put(path, "%s", value);
}

static inline void put_number(const char *side, uint32_t domid, uint32_t handle, const char *key,
			      uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	put(side, domid, handle, key, text);
}

static inline const char *back_key(uint32_t domid, uint32_t handle, const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "%u/%u/%s", domid, handle, key);
	return fake_xs_get(path);
}

static inline void rule(uint32_t handle, const char *key, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "policy/%s", key);
	put("b", 7, handle, path, value);
	host_settle();
}

static inline void add_vif(uint32_t domid, uint32_t handle, const char *pf)
{
	char text[64];

	snprintf(text, sizeof(text), "/local/domain/%u/device/vif/%u", domid, handle);
	put("b", domid, handle, "frontend", text);
	put_number("b", domid, handle, "frontend-id", domid);
	put("b", domid, handle, "online", "1");
	snprintf(text, sizeof(text), "02:00:00:00:%02x:%02x", handle, domid);
	put("b", domid, handle, "mac", text);
	if (pf)
		put("b", domid, handle, "policy/virtual-pf", pf);
	put("f", domid, handle, "state", "1");
	put("b", domid, handle, "state", "1");
}

static inline struct vif *vif_of(uint32_t domid, uint32_t handle)
{
	return vifs_find(fake_host.vifs, (uint16_t)domid, (uint16_t)handle);
}

static inline void connect_vif(uint32_t handle)
{
	const struct queue_config *queue = &guest->config.queues[handle];

	put("f", 7, handle, "request-rx-copy", "1");
	put("f", 7, handle, "feature-rx-notify", "1");
	put_number("f", 7, handle, "tx-ring-ref", queue->tx_ref);
	put_number("f", 7, handle, "rx-ring-ref", queue->rx_ref);
	put_number("f", 7, handle, "event-channel", queue->tx_port);
	put("f", 7, handle, "state", "4");
	fake_host.now_us += 5000000;
	host_settle();
	assert_string_equal(back_key(7, handle, "state"), "4");
}

static inline void connect_pf(void)
{
	put_number("f", 7, 0, "ctrl-ring-ref", ring_ref);
	put("f", 7, 0, "event-channel-ctrl", "500");
	connect_vif(0);
}

static inline void make_guest(void)
{
	guest = guest_new(7, 4);
	ring_ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ring_ref);
	page_ref = guest_grant(guest, false);
	add_vif(7, 0, NULL);
	for (uint32_t i = 1; i <= VFS; i++)
		add_vif(7, i, "0");
	add_vif(8, 0, NULL);
	host_settle();
}

/* One message. Return: its status; @reason: the data of the answer */
static inline uint32_t ask(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t at = ring->idx.req_prod++;
	const union netif_ctrl_entry *entry = &ring->entry[at % NETIF_CTRL_RING_SIZE];

	ring->entry[at % NETIF_CTRL_RING_SIZE].req =
		(struct netif_ctrl_request){ .id = 1, .type = type, .data = { a, b, c } };
	fake_host.now_us += 30000000;
	vif_of(7, 0)->stale |= STALE_STATE;
	host_settle();
	assert_int_equal(ring->idx.rsp_prod, at + 1);
	assert_int_equal(entry->rsp.type, type);
	reason = entry->rsp.data;
	return entry->rsp.status;
}

static inline uint32_t set(uint32_t index, uint32_t attr, uint32_t b, uint32_t c)
{
	return ask(VIFVPF_CTRL_SET, VIFVPF_SET(index, attr), b, c);
}

static inline uint32_t set_mac(uint32_t index, const char *mac)
{
	const uint8_t *bytes = (const uint8_t *)mac;

	return set(index, VIFVPF_ATTR_MAC, VIFVPF_MAC_HIGH(bytes), VIFVPF_MAC_LOW(bytes));
}

static inline uint32_t set_vlan(uint32_t index, uint32_t vlan)
{
	return set(index, VIFVPF_ATTR_VLAN, vlan, VIFVPF_VLAN_TYPE);
}

/* Of VF @index and those behind it. Return: how many; they are in the guest's page */
static inline uint32_t query_from(uint32_t index)
{
	assert_int_equal(ask(VIFVPF_CTRL_QUERY, index, page_ref, 0), OK);
	return reason;
}

static inline struct vifvpf_state query(uint32_t index)
{
	struct vifvpf_state state;

	assert_true(query_from(index) >= 1);
	memcpy(&state, guest_page(guest, page_ref), sizeof(state));
	return state;
}

#endif
