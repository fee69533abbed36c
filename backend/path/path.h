/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One vif's data side: its queues, its port, and the policy between them.
 * ring -> check -> verdict -> port, and back.
 *
 * A path belongs to one worker at a time: all queues of a vif are polled by the same worker,
 * because a VF with one queue pair cannot be shared without a lock. path/ knows neither xenstore
 * nor vif.h.
 *
 * Threads. The control thread creates a path, destroys it, and is the only one that changes its
 * port, settings, hashing, mirror or handover: before path_attach() directly, afterwards by
 * functions that worker_run() executes in the worker while the control thread waits. Therefore the
 * control thread may read all of these at any time without a lock. What frames change (indices,
 * backlogs, budgets) is the worker's alone. Counters and path_faulted() are atomic: any thread
 * reads them. "Worker" below means: in the worker, or before path_attach().
 *
 * The inside of struct path is in path_private.h, which only path/ includes.
 *
 * A guest that breaks the protocol stops its own path: path_fault() only sets a flag, so it may be
 * called from anywhere (XSA-90); the control thread tears the path down later.
 */
#ifndef VIFD_PATH_PATH_H
#define VIFD_PATH_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "common/ring.h"
#include "port/offload.h"
#include "port/port.h"
#include "xen/gnt.h"
#include "classes.h"
#include "counters.h"
#include "mirror.h"
#include "statics.h"
#include "steer.h"
#include "verdict.h"

struct evt;
struct flow_counts;
struct flows;
struct group_list;
struct handover;
struct path;
struct vf_rules;

/** struct queue_config - Where the guest says its rings are (untrusted, range-checked) */
struct queue_config {
	uint32_t tx_ref, rx_ref;
	uint32_t tx_port, rx_port; /* the same number: one shared event channel */
};

/**
 * struct path_config - What the guest and the toolstack said, checked by vif/
 * @domid, @handle: of the vif
 * @rx_sg:       the guest takes frames in several buffers
 * @rx_gso4, @rx_gso6:   it takes unsegmented TCP
 * @rx_csum4, @rx_csum6: it takes frames whose checksum is left blank
 * @rx_notify:   the guest rings when it posts buffers we wait for
 * @backlog_bytes: most bytes that wait for the guest, per queue
 */
struct path_config {
	uint16_t domid, handle;
	bool rx_sg, rx_gso4, rx_gso6, rx_csum4, rx_csum6, rx_notify;
	uint32_t backlog_bytes;
	uint32_t nr_queues;
	struct queue_config queues[NETIF_QUEUES_MAX];
};

/**
 * struct path_live - What may change while the vif is connected
 * @policy:       what the guest may do
 * @mtu:          largest L3 packet the guest may send unsegmented, bytes
 * @link:         false: the cable is pulled, nothing passes
 * @no_rx_csum, @no_rx_gso: checksums are filled in and TCP is cut, whatever the guest takes
 * @no_statics:   the guest may add no more static grants
 * @flows:        most flow rules that the guest may add, 0 = none
 * @mcast_filter: the guest asks for its multicast list to be applied
 * @xdp_headroom: bytes kept free before each frame given to the guest
 * @rx_delay_us:  at most one event in this time for frames given to the guest, 0 = as it asks
 * @rx_delay_frames: sooner when so many wait, 0 = no matter how many
 * @rx_adaptive:  the delay is chosen by what comes, up to @rx_delay_us (coalesce.h)
 * @rx_device_us: with @rx_adaptive: so much of the delay is the port's device's
 * @rate:         most that the guest may send; none = no limit
 * @rx_rate:      most that the guest receives; none = no limit
 * @mcast_refused: the guest's multicast list is not taken
 * @tx_closed, @rx_closed: queues that let nothing pass, one bit each
 * @classes:      which frames leave first
 * @queue_rates:  of each queue, within the vif's
 * @queue_guarantees: what each queue can send in any case, within the vif's rate
 */
struct path_live {
	struct policy policy;
	uint16_t mtu;
	bool link;
	bool no_rx_csum, no_rx_gso, no_statics;
	uint32_t flows;
	bool mcast_filter;
	uint16_t xdp_headroom;
	uint32_t rx_delay_us, rx_delay_frames, rx_device_us;
	bool rx_adaptive;
	struct rate rate, rx_rate;
	bool mcast_refused;
	uint64_t tx_closed, rx_closed;
	struct classes_live classes;
	struct rate queue_rates[NETIF_QUEUES_MAX], queue_guarantees[NETIF_QUEUES_MAX];
};

/** struct path_memcpy - One piece between our memory and a static page */
struct path_memcpy {
	char *to;
	const char *from;
	uint32_t len;
};

/**
 * struct path_rest - A piece of a frame from the guest that is not copied yet (near.h)
 * @local: where it goes in our memory, if it has to
 * @page:  its static page, NULL = there is none, and it is copied by @ref
 */
struct path_rest {
	char *local;
	const char *page;
	uint32_t ref;
	uint16_t offset, len;
};

/**
 * struct path_tools - What a worker gives to the paths it polls; the worker's own
 * @merge:  merge_open(); NULL = nothing is joined
 * @now_us: when the pass began
 * @copies, @memcpys, @rest: scratch of a pass; nothing in it outlives the pass
 */
struct path_tools {
	struct gnt *gnt;
	struct evt *evt;
	struct rte_mempool *pool;
	struct offload offload;
	void *merge;
	uint64_t now_us;
	struct gnt_copy copies[GNT_COPY_MAX];
	struct path_memcpy memcpys[GNT_COPY_MAX];
	struct path_rest rest[GNT_COPY_MAX];
};

/* Life */

/**
 * path_create() - Map a guest's rings
 * @config: Checked
 * @live:   Checked
 * @gnt:    The control thread's handle
 * @raise:  Woken when the path faults, or its handover needs the control thread
 *
 * Control thread; may block. Return: path without a port, NULL with errno set
 */
struct path *path_create(const struct path_config *config, const struct path_live *live,
			 struct gnt *gnt, struct wake *raise);

/** path_destroy() - Detached paths only; closing the port is the caller's. NULL is fine */
void path_destroy(struct path *path, struct gnt *gnt);

/** path_attach() - Worker: bind the channels, answer whatever waits. Return: 0, -errno */
int path_attach(struct path *path, struct path_tools *tools);

/** path_detach() - Worker: unbind. Nothing of the worker's is held afterwards */
void path_detach(struct path *path, struct path_tools *tools);

/* Passes */

/** path_poll() - Worker: one pass over both directions. Return: frames moved */
unsigned int path_poll(struct path *path, struct path_tools *tools);

/**
 * path_look_us() - Worker, after path_poll(): when to poll it next, us, if other paths move frames
 *
 * Its guest has been still for a while, so that it is only looked at; it may be polled sooner. 0 =
 * in the next pass.
 */
uint64_t path_look_us(const struct path *path);

/** path_is_polled() - Worker: false while it is paused, and once it has faulted */
bool path_is_polled(const struct path *path);

/* path_arm(): nothing to do before an event. */
#define PATH_IDLE UINT64_MAX

/**
 * path_arm() - Worker, before sleeping: ask to be told of new requests
 *
 * Return: us until the path wants its turn without an event: 0 = there is work now, PATH_IDLE =
 * only an event can bring some
 */
uint64_t path_arm(struct path *path, struct path_tools *tools);

/**
 * path_rang() - Worker: a channel of this path was pending
 *
 * It stays masked until a pass found work, or for a while that grows when there was none (XSA-332).
 */
void path_rang(struct path *path, uint32_t port);

/**
 * path_unmask() - Worker, after a pass: unmask what rang
 * @worked: the pass moved frames
 *
 * Return: us until a channel that is being held back wants its turn, PATH_IDLE = none
 */
uint64_t path_unmask(struct path *path, struct path_tools *tools, bool worked);

/**
 * path_channels() - Worker: the channels that are bound
 * @ports: Filled with their local numbers
 *
 * Return: how many
 */
uint32_t path_channels(const struct path *path, uint32_t ports[2 * NETIF_QUEUES_MAX]);

/**
 * path_give() - Worker: a frame of our own for the guest, judged by no rule
 *
 * It is freed if the backlog is full.
 */
void path_give(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf);

/* What the control thread changes */

/**
 * path_set_groups() - Before path_attach(): where the list of the guest's multicast control lies
 * @list:    outlives the path; it may outlive the process
 * @partial: the guest told a former back end of groups that nobody knows now: all groups pass
 */
void path_set_groups(struct path *path, struct group_list *list, bool partial);

/** path_was_served() - Before path_attach(): did a former back end answer in these rings? */
bool path_was_served(const struct path *path);

/** path_set_port() - Before path_attach(): the port. Later changes are handovers (handover.h) */
void path_set_port(struct path *path, struct port *port);

/** path_set_live() - Worker: take new settings, as a whole */
void path_set_live(struct path *path, const struct path_live *live);

/** path_set_steer() - Worker: take new hashing. No zero-copy rx is on */
void path_set_steer(struct path *path, const struct steer *steer);

/**
 * path_set_flows() - Worker: take new flow rules. No zero-copy rx is on
 * @flows:  stays the caller's, and unchanged until the path has others; NULL = there are none
 * @counts: where they count; outlives @flows
 */
void path_set_flows(struct path *path, const struct flows *flows, struct flow_counts *counts);

/** path_count_flow_drops() - Worker: the NIC of its port has dropped so many (flow_nic.h) */
void path_count_flow_drops(struct path *path, uint64_t frames);

/**
 * path_set_mirror() - Worker: what is copied, and what is received of others
 * @mirror: Of this path's frames
 * @tap:    Mirrored frames of other vifs for this guest, NULL = none
 *
 * With a tap, or a mirror of received frames, no zero-copy rx is on.
 */
void path_set_mirror(struct path *path, const struct mirror *mirror, struct tap *tap);

/**
 * path_set_vf_rules() - Worker: take new rules about what the vif sends (vf_rules.h)
 * @rules: stay the caller's, and unchanged until the path has others; NULL = there are none
 */
void path_set_vf_rules(struct path *path, const struct vf_rules *rules);

/**
 * path_set_inbox() - Worker: where frames come from that such rules of other vifs redirect here
 * @inbox: NULL = none. With one, no zero-copy rx is on
 * @any:   those to other unicast addresses than the vif's, too
 */
void path_set_inbox(struct path *path, struct tap *inbox, bool any);

/** path_swap_statics() - Worker: @queue uses @statics, which becomes what it used before */
void path_swap_statics(struct path *path, uint32_t queue, struct statics *statics);

/**
 * path_pause() - Worker: deliver what has arrived, then stop polling the path
 *
 * Only while zero-copy rx is on (zc_rx.h), to end it: path_resume() follows.
 */
void path_pause(struct path *path, struct path_tools *tools);

/** path_resume() - Worker: zero-copy rx has ended. @go_on: the path is polled again */
void path_resume(struct path *path, bool go_on);

/* What it is now: control thread or worker. What is returned stays the path's */

/** path_get_config() - As given to path_create() */
const struct path_config *path_get_config(const struct path *path);

/** path_get_live() - As set last */
const struct path_live *path_get_live(const struct path *path);

/** path_get_port() - Frames leave by it; NULL = not set yet */
struct port *path_get_port(const struct path *path);

/** path_get_old_port() - The port that a handover leaves, which is still open; NULL = none */
struct port *path_get_old_port(const struct path *path);

/** path_get_handover() - NULL = the path has none */
struct handover *path_get_handover(const struct path *path);

/** path_get_steer() - As set last, all zero at first */
const struct steer *path_get_steer(const struct path *path);

/** path_get_flows() - As set last, NULL = the guest has none */
const struct flows *path_get_flows(const struct path *path);

/** path_get_flow_counts() - Of path_get_flows() */
const struct flow_counts *path_get_flow_counts(const struct path *path);

/** path_get_mirror() - As set last, all zero at first */
const struct mirror *path_get_mirror(const struct path *path);

/** path_get_tap() - As set last */
struct tap *path_get_tap(const struct path *path);

/** path_get_vf_rules(), path_get_inbox() - As set last */
const struct vf_rules *path_get_vf_rules(const struct path *path);
struct tap *path_get_inbox(const struct path *path, bool *any);

/** path_has_zc_rx() - Is zero-copy rx on? */
bool path_has_zc_rx(const struct path *path);

/** path_get_statics() - Static grants of @queue */
const struct statics *path_get_statics(const struct path *path, uint32_t queue);

/** path_held() - Any thread: buffers of the packet memory that its frames have */
uint32_t path_held(const struct path *path);

/** path_rx_delay_us() - Worker: the longest delay that a queue's controller has chosen; 0 = none */
uint32_t path_rx_delay_us(const struct path *path);

/** path_static_pages() - Control thread: pages of static grants that its queues may use */
uint32_t path_static_pages(const struct path *path);

/** path_lent_pages() - Control thread: pages, or pieces of them, that zero copy has given out */
uint32_t path_lent_pages(const struct path *path);

/** path_nr_queues() - Any thread */
uint32_t path_nr_queues(const struct path *path);

/** path_counted() - Any thread: sum of a counter over the queues @first to @last */
uint64_t path_counted(const struct path *path, enum path_counter which, uint32_t first,
		      uint32_t last);

/** path_shown() - Control thread: path_counted() since path_reset_counters() */
uint64_t path_shown(const struct path *path, enum path_counter which, uint32_t first,
		    uint32_t last);

/** path_reset_counters() - Control thread: path_shown() begins at 0; path_counted() goes on */
void path_reset_counters(struct path *path);

/** path_tx_owed() - Worker: the first request of @queue that is not decided on yet */
uint32_t path_tx_owed(const struct path *path, uint32_t queue);

/** path_tx_answered() - Worker: are all requests of @queue before @owed answered? */
bool path_tx_answered(const struct path *path, uint32_t queue, uint32_t owed);

/* Fault */

/** path_fault() - Stop this vif; any thread that owns the path. @why is constant text */
void path_fault(struct path *path, const char *why);

/** path_faulted() - Any thread: the first reason for which it was stopped, NULL = it was not */
const char *path_faulted(const struct path *path);

#endif
