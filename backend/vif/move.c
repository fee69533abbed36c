/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which port a connected vif's frames leave by. A move prepares the new port,
 * receives from both, sends by the new one, and closes the old one when nothing
 * can still arrive by it; rings and guest don't notice.
 */
#include <errno.h>
#include <string.h>

#include "opener.h"
#include "vif.h"

LOG_TAG("vif");

/* How long frames may still arrive by a port that the vif has left. */
#define DRAIN_US 500000u

void vif_close_port(struct vif *vif, struct port *port)
{
	if (!port)
		return;
	if (port->kind == PORT_VF)
		opener_close(vif->host->opener, port);
	else
		port_close(port);
}

void vif_write_path(struct vif *vif)
{
	struct port *port = vif->path->port;

	store_put(vif->host->store, vif->backend, "path", "%s",
		  port->kind == PORT_VF ? "vf" : "software");
	if (port->kind == PORT_VF)
		store_put(vif->host->store, vif->backend, "vf", "%s", port->name);
	else
		store_remove(vif->host->store, vif->backend, "vf");
}

static void use_port(struct vif *vif, struct port *port, uint64_t now_us)
{
	vif_tell_port(vif, port);
	worker_set_port(vif->worker, vif->path, port);
	vif->drain_until_us = now_us + DRAIN_US;
	vif_due(vif, vif->drain_until_us);
	vif_write_path(vif);
}

void vif_ask_vf(struct vif *vif)
{
	vif->move_error = 0;
	vif->vf_ticket = opener_open(vif->host->opener, vif->nic, &vif->mac, vif->name);
	if (!vif->vf_ticket)
		vif->move_error = ENOMEM;
}

void vif_vf_came(struct vif *vif, struct port *port, int error, uint64_t now_us)
{
	vif->vf_ticket = 0;
	vif->move_error = error;
	if (!port) {
		log_info("%s: no VF: %s, staying on the software path", vif->name, strerror(error));
		return;
	}
	use_port(vif, port, now_us);
	log_info("%s: moved to VF %s", vif->name, port->name);
}

void vif_end_drain(struct vif *vif)
{
	vif->drain_until_us = 0;
	vif_close_port(vif, worker_end_drain(vif->worker, vif->path));
}

static void move_to_software(struct vif *vif, uint64_t now_us)
{
	struct port *port = nic_open_software(vif->nic, &vif->mac, vif->name);

	if (!port) {
		vif->move_error = errno;
		log_warn("%s: no place on the switch: %m, staying on VF %s", vif->name,
			 vif->path->port->name);
		return;
	}
	use_port(vif, port, now_us);
	log_info("%s: moved to the software path", vif->name);
}

int vif_move(struct vif *vif, enum vif_move move)
{
	if (!vif->path)
		return -ENOTCONN;
	vif->move = move;
	vif->move_error = 0;
	vif->due_us = 0;
	return 0;
}

void vif_update_move(struct vif *vif, uint64_t now_us)
{
	bool on_vf = vif->path->port->kind == PORT_VF;
	enum vif_move move = vif->move;

	/* one move at a time: the end of a drain is an update */
	if (move == VIF_MOVE_NONE || vif->drain_until_us)
		return;
	vif->move = VIF_MOVE_NONE;
	if (move == VIF_MOVE_VF && !on_vf && !vif->vf_ticket)
		vif_ask_vf(vif);
	if (move == VIF_MOVE_SOFTWARE) {
		vif->vf_ticket = 0; /* a VF that still comes is closed again */
		if (on_vf)
			move_to_software(vif, now_us);
	}
}
