/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses that roam. What a policy lists in `macs` may be the virtual address of VRRP or CARP:
 * another machine's at times, or that of several vifs. Its frames go to who sent from it last, a
 * port here or the wire; to begin with, to the first port that lists it.
 *
 * Theory of operation. Each port has a roamer with the addresses that it lists, and holds those
 * whose frames are to arrive at it. Workers only note what they see: this port sent from an address
 * that it does not hold; or the wire sent a group frame from one that it holds. They wake the
 * control thread, whose roam_update() moves the address and has the ports change tables and
 * filters. Two ports of one vif, while it moves, hold an address together. A port that gains an
 * address again and again waits longer each time.
 *
 * Some NICs' switches return a port's group frames to it. Those are no sign that somebody else
 * sends: they are known by their first bytes, which a roam_echo keeps for a second.
 *
 * Not protected against: two vifs whose policies list one address take it from each other.
 */
#ifndef VIFD_PORT_FILTER_ROAM_H
#define VIFD_PORT_FILTER_ROAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "base/wake.h"
#include "port/port.h"

#define ROAM_ECHOES 16u

/** struct roam_echo - Group frames sent lately from addresses that roam; workers: r, w */
struct roam_echo {
	_Atomic uint32_t nr;
	_Atomic uint64_t print[ROAM_ECHOES], at[ROAM_ECHOES];
};

/**
 * struct roam - The roamers of one NIC
 * @raise:  wakes the control thread; NULL = nobody waits
 * @serial: orders what workers note
 * @due_us: when an address that waits may move; UINT64_MAX = none does
 */
struct roam {
	pthread_mutex_t lock;
	LIST_HEAD(, roamer) roamers;
	struct wake *raise;
	_Atomic uint64_t serial;
	_Atomic bool noted;
	uint64_t due_us;
};

/**
 * struct roamer - The listed addresses of one port; an address keeps its place while it is listed
 * @joined:  between roam_join() and roam_leave()
 * @mac:     the port's own
 * @changed: control; the port is to follow @held
 * @used, @held: bits of places. control: w, workers: r
 * @sent:    by place, @serial of the note that the port sent, 0 = none; workers: w, control: r, w
 * @left:    bits of places whose address the wire has sent from; workers: w, control: r, w
 * @gained_us, @pause_us: by place, when it was gained, and how long it may not be gained again
 */
struct roamer {
	LIST_ENTRY(roamer) link;
	struct roam *roam;
	bool joined;
	struct rte_ether_addr mac;
	void (*changed)(struct roamer *roamer);
	_Atomic uint64_t used, held, left;
	_Atomic uint64_t macs[MACS_MAX], sent[MACS_MAX];
	uint64_t gained_us[MACS_MAX], pause_us[MACS_MAX];
};

/** roam_init() - Of a zeroed NIC; nothing to end */
void roam_init(struct roam *roam, struct wake *raise);

/** roam_join() - A port begins, with no listed address. @roamer is zeroed. Control or opener */
void roam_join(struct roam *roam, struct roamer *roamer, const struct rte_ether_addr *mac,
	       void (*changed)(struct roamer *roamer));

/** roam_leave() - What the port held is another's that lists it; fine twice. Control or opener */
void roam_leave(struct roamer *roamer);

/** roam_list() - Control: these are listed now; does not call changed() of this roamer */
void roam_list(struct roamer *roamer, const struct port_policy *policy);

/** roam_held() - Control: @held becomes @policy with those addresses that the port holds */
void roam_held(const struct roamer *roamer, const struct port_policy *policy,
	       struct port_policy *held);

/**
 * roam_update() - Control: move the addresses that were seen elsewhere; calls changed()
 *
 * Return: when it is to be called again at the latest, UINT64_MAX = when it is woken
 */
uint64_t roam_update(struct roam *roam, uint64_t now_us);

/** roam_lists() - Worker: does the port list this address? */
bool roam_lists(const struct roamer *roamer, const struct rte_ether_addr *mac);

/** roam_note_sent() - Worker: look at what a port with listed addresses sends; see roam_sent() */
void roam_note_sent(struct roamer *roamer, struct roam_echo *echo, struct rte_mbuf **pkts,
		    uint16_t nr);

/** roam_sent() - Worker: the port is about to send these */
static inline void roam_sent(struct roamer *roamer, struct roam_echo *echo, struct rte_mbuf **pkts,
			     uint16_t nr)
{
	if (unlikely(atomic_load_explicit(&roamer->used, memory_order_relaxed)))
		roam_note_sent(roamer, echo, pkts, nr);
}

/** roam_wire_sent() - Worker: a group frame came from the wire whose source this port lists */
void roam_wire_sent(struct roamer *roamer, const struct rte_ether_addr *mac);

/** roam_is_echo() - Worker: is this group frame from the wire one that was sent there? */
bool roam_is_echo(const struct roam_echo *echo, const struct rte_mbuf *frame);

#endif
