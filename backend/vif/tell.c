/* SPDX-License-Identifier: BSD-3-Clause */
#include "tell.h"

#include <stdio.h>
#include <string.h>

#include "base/events.h"
#include "base/text.h"
#include "names.h"
#include "vif.h"

/* Frames that are not the guest's own are counted by its worker, which tells nobody. */
#define SPOOF_US 1000000u

/* Names are read from xenstore, so only if somebody reads the event. */
static void begin(struct event *event, const struct vif *vif, const char *name)
{
	char mac[TEXT_MAC_SIZE];
	struct vif_names names;

	names_read(vif, &names);
	event_begin(event, name);
	event_text(event, "vif", vif->name + strlen("vif "));
	event_text(event, "guest", names.guest);
	event_text(event, "vifname", names.vifname);
	event_text(event, "mac", text_put_mac(mac, vif->mac.addr_bytes));
}

static void tell_plain(const struct vif *vif, const char *name)
{
	struct event event;

	begin(&event, vif, name);
	event_send(&event);
}

static void tell_why(const struct vif *vif, const char *name, const char *why)
{
	struct event event;

	begin(&event, vif, name);
	event_text(&event, "why", why);
	event_send(&event);
}

static void tell_number(const struct vif *vif, const char *name, const char *member,
			uint64_t number)
{
	struct event event;

	begin(&event, vif, name);
	event_number(&event, member, number);
	event_send(&event);
}

static void tell_path(const struct vif *vif, const struct tell *now)
{
	struct event event;

	begin(&event, vif, "moved");
	event_text(&event, "path", port_kind_name(now->kind));
	event_text(&event, "vf", now->kind == PORT_VF ? now->where : "");
	event_text(&event, "nic", nic_name(vif->nic));
	event_send(&event);
}

/* With "ask" it waits for an answer, so many seconds. */
static void tell_request(const struct vif *vif, bool ask)
{
	const struct vif_request *request = &vif->request;
	char mac[TEXT_MAC_SIZE];
	struct event event;

	begin(&event, vif, "request");
	if (!rte_is_zero_ether_addr(&request->asked_mac))
		event_text(&event, "asked_mac", text_put_mac(mac, request->asked_mac.addr_bytes));
	event_number(&event, "asked_flags", request->asked_flags);
	if (ask) {
		event_number(&event, "ask", request->ask);
		event_number(&event, "seconds", vif->host->config->approval_s);
	} else {
		event_number(&event, "mac_granted", !rte_is_zero_ether_addr(&request->mac));
		event_number(&event, "flags_granted", request->flags);
	}
	event_send(&event);
}

/* Every vif is looked at in every turn, and its port seldom changes. */
static void look_at_port(const struct port *port, struct tell *now)
{
	now->kind = port->kind;
	if (strcmp(now->where, port->name) != 0)
		snprintf(now->where, sizeof(now->where), "%s", port->name);
}

static void look(const struct vif *vif, struct tell *now, uint64_t now_us)
{
	now->came = true;
	now->connected = vif->path != NULL;
	now->fault = vif->fault ? vif->fault : vif->rival_told ? "another vif has its mac" : NULL;
	now->granted = vif->request.granted;
	now->refused = vif->request.refused;
	now->ask = vif->request.state == REQUEST_ASKED ? vif->request.ask : now->ask;
	now->move_error = vif->path ? vif->move_error : 0;
	if (!vif->path) {
		now->where[0] = '\0';
		now->spoofed = 0;
		return;
	}
	look_at_port(path_get_port(vif->path), now);
	if (now_us - now->spoof_us < SPOOF_US)
		return;
	now->spoof_us = now_us;
	now->spoofed =
		path_counted(vif->path, COUNT_tx_drop_spoof, 0, path_nr_queues(vif->path) - 1);
}

static void tell_changes(const struct vif *vif, const struct tell *was, const struct tell *now)
{
	if (!was->came)
		tell_plain(vif, "came");
	if (now->connected != was->connected)
		tell_plain(vif, now->connected ? "connected" : "closed");
	if (now->connected && (now->kind != was->kind || strcmp(now->where, was->where)))
		tell_path(vif, now);
	if (now->move_error && now->move_error != was->move_error)
		tell_why(vif, "move-failed", strerror(now->move_error));
	if (now->fault && now->fault != was->fault)
		tell_why(vif, "fault", now->fault);
	if (now->ask != was->ask)
		tell_request(vif, true);
	if (now->granted != was->granted || now->refused != was->refused)
		tell_request(vif, false);
	if (now->spoofed > was->spoofed)
		tell_number(vif, "spoofing", "frames", now->spoofed - was->spoofed);
}

void tell_vif(struct vif *vif, uint64_t now_us)
{
	struct tell was = vif->told;

	look(vif, &vif->told, now_us);
	if (events_wanted())
		tell_changes(vif, &was, &vif->told);
}

void tell_gone(struct vif *vif)
{
	if (events_wanted())
		tell_plain(vif, "gone");
}

uint64_t tell_due_us(const struct host *host, uint64_t now_us)
{
	return events_wanted() && !TAILQ_EMPTY(&host->vifs) ? now_us + SPOOF_US : UINT64_MAX;
}
