/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a VF port, for vf.c, vf_frames.c, vf_moderation.c and vf_policy.c alone.
 */
#ifndef VIFD_PORT_SRIOV_VF_PORT_H
#define VIFD_PORT_SRIOV_VF_PORT_H

#include <stdatomic.h>
#include <string.h>

#include "port/eth/eth.h"
#include "port/filter/groups.h"
#include "port/filter/reach.h"
#include "port/filter/roam.h"
#include "port/kernel/netdev.h"
#include "vf.h"

/*
 * struct vf - One open VF port; constant after vf_open() except where marked
 * @saved:  the VF's values before vf_open() changed them; without a PF only the netdev's MAC
 * @mtu, @saved_mtu: the netdev's MTU that we set, and the one before; 0 = not set
 * @wire_mtu: of the wire when it was opened, 0 = not known
 * @moderation: the netdev's before it was changed, and what it became; @moderated: it was; control,
 *          then the opener
 * @quieted: the PF gave it its former address back, vf_quiet(); control
 * @policy: what the PF was told last, @trusted: that it trusts the VF; after vf_open(): control
 * @roamer: which of its other addresses it holds; @echo: what was sent from them
 * @groups: what the guest listens to; its worker learns, a thread joins
 * @zc_rx:  a source chooses the buffers of received frames, so no frame is skipped; worker
 */
struct vf {
	struct port port;
	const struct vf_env *env;
	struct vfpool_vf info;
	struct pf_vf saved;
	struct port_policy policy;
	struct netdev_saved netdev_saved;
	int mtu, saved_mtu, wire_mtu;
	bool quieted, trusted, moderated;
	struct {
		struct netdev_moderation before, now;
	} moderation;
	struct eth *eth;
	struct groups groups;
	struct reach reach;
	struct roamer roamer;
	struct roam_echo echo;
	bool zc_rx;
	/* worker: w, others: r */
	_Atomic uint64_t carried_packets, carried_bytes, carried_lost, reflected;
};

/* The worker's calls and the counters: struct port_ops */
uint16_t vf_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);
uint16_t vf_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);
void vf_arm(struct port *port);
int vf_rx_fd(struct port *port, uint16_t queue);
bool vf_tx_idle(struct port *port);
void vf_tx_done(struct port *port);
void vf_join(struct port *port, const uint8_t *group);
void vf_set_rx_source(struct port *port, struct port_rx_source *source);
int vf_end_rx_source(struct port *port, bool go_on);
void vf_stats_get(struct port *port, struct port_stats *stats);
void vf_driver_counters(struct port *port,
			void (*take)(void *arg, const char *name, uint64_t value), void *arg);

/* What the PF is to be told of a policy; all but the address */
void vf_wanted(const struct port_policy *policy, struct pf_vf *want);

/* The calls that change PF and filters: struct port_ops */
void vf_quiet(struct port *port);
void vf_set_policy(struct port *port, const struct port_policy *policy);
void vf_follow(struct roamer *roamer);
void vf_loosen(struct port *port, const struct port_policy *policy);
int vf_moderate(struct port *port, uint32_t us);
void vf_enforced(struct port *port, struct port_policy *policy);
int vf_drop_begin(struct port *port, const struct port_drop *drop);
int vf_drop_count(struct port *port, int number, uint64_t *frames);
void vf_drop_end(struct port *port, int number);

/* The former moderation of the netdev: from a vifd that was killed; set again; not kept any more */
void vf_moderation_start(struct vf *vf);
void vf_moderation_end(struct vf *vf, const char *netdev);
void vf_moderation_forget(const struct vf *vf);

#endif
