/* SPDX-License-Identifier: BSD-3-Clause */
#include "rival.h"

#include <stdio.h>

#include "vif.h"

LOG_TAG("vif");

/* A guest that starts again has the address of its former life for less than this. */
#define TELL_US 1000000u

/* Is @server of the stub domain that runs the device model of @guest? */
static bool serves(const struct vif *server, const struct vif *guest)
{
	uint32_t target;
	char key[16];

	snprintf(key, sizeof(key), "%u/target", server->domid);
	return !store_get_u32(server->host->store, "/local/domain", key, 0, UINT16_MAX, &target) &&
	       target == guest->domid && server->domid != guest->domid;
}

/* When vifd starts, a vif that it has not looked at yet may be connected. */
static bool has_address(const struct vif *vif)
{
	uint32_t state;

	if (vif->path || !(vif->stale & STALE_STATE) || vif->state != XENBUS_UNKNOWN)
		return vif->path;
	return !store_get_u32(vif->host->store, vif->backend, "state", XENBUS_UNKNOWN,
			      XENBUS_RECONFIGURED, &state) &&
	       state == XENBUS_CONNECTED;
}

static struct vif *find_rival(const struct vif *vif)
{
	struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif && rte_is_same_ether_addr(&other->mac, &vif->mac) &&
		    has_address(other))
			return other;
	return NULL;
}

static void tell(struct vif *vif, struct vif *other)
{
	vif->rival_told = true;
	store_put(vif->host->store, vif->backend, "fault",
		  "its mac is that of %s: it connects when that one is gone", other->name);
	if (vif_may_warn(vif))
		log_warn("%s: its mac " RTE_ETHER_ADDR_PRT_FMT
			 " is that of %s: it connects when that one is gone",
			 vif->name, RTE_ETHER_ADDR_BYTES(&vif->mac), other->name);
	if (vif_may_warn(other))
		log_warn("%s: %s has the same mac and does not connect", other->name, vif->name);
}

static void hold(struct vif *vif, struct vif *other, uint64_t now_us)
{
	if (!vif->rival_since_us)
		vif->rival_since_us = now_us;
	if (vif->rival_told)
		return;
	if (now_us - vif->rival_since_us < TELL_US)
		vif_due(vif, 0,
			other->path ? vif->rival_since_us + TELL_US : now_us + VIF_RETRY_US);
	else
		tell(vif, other);
}

static void end_hold(struct vif *vif)
{
	if (vif->rival_told)
		store_remove(vif->host->store, vif->backend, "fault");
	vif->rival_told = false;
	vif->rival_since_us = 0;
}

bool rival_admit(struct vif *vif, uint64_t now_us)
{
	struct vif *other = find_rival(vif);

	if (other && !serves(other, vif)) {
		hold(vif, other, now_us);
		return false;
	}
	end_hold(vif);
	if (!other)
		return true;
	if (vif_may_tell(vif))
		log_info("%s: takes over from %s, of its stub domain", vif->name, other->name);
	vif_disconnect(other);
	other->rival_since_us = now_us;
	vif_due(other, 0, now_us);
	return true;
}
