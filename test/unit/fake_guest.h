/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests and a hypervisor in one process, for tests and fuzzers of backend/path.
 *
 * fake_guest.c and fake_grants.c are linked in place of backend/xen/gnt.c and evt.c: they have their
 * functions, a grant table per guest that is checked as Xen checks it (unknown,
 * revoked or read-only grant, wrong domain: a status per piece), and event
 * channels that count. Rings are ordinary memory. The port records what it was
 * given and delivers what it was fed; every frame it is given is checked for
 * being well-formed and having linear headers.
 *
 *	fake_start(NULL);
 *	guest = guest_new(7, 1);
 *	guest_connect(guest);
 *	guest_send(guest, bytes, len);
 *	guest_poll(guest);
 *	assert(guest->port.nr_sent == 1);
 *	guest_free(guest);          asserts that nothing is left behind
 *
 * One thread. A contradiction of the contracts of gnt.h, evt.h or port.h is an
 * assertion here.
 */
#ifndef VIFD_TEST_FAKE_GUEST_H
#define VIFD_TEST_FAKE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/path/path_private.h"

#define FAKE_REFS 2048u
#define FAKE_REF_MIN 8u /* Xen keeps the first few */
#define FAKE_SENT_MAX 1024u
#define FAKE_MBUFS 8191u
#define FAKE_GUESTS 4u
#define FAKE_QUEUES 4u
/* one of each of netif.h, and a mark */
#define GUEST_EXTRAS_MAX NETIF_EXTRA_TYPES

/** struct fake_grant - One page that a guest lets us use, @page NULL = no such grant; @devices: that may read it */
struct fake_grant {
	uint8_t *page;
	bool readonly, revoked;
	uint32_t mapped, devices;
};

/* Devices find a page at its address and this. */
#define FAKE_DEVICE_ADDRESS (UINT64_C(1) << 50)

/* Can pages be mapped for devices? */
extern bool fake_devmap;

/**
 * struct fake_port - Records what is sent, delivers what it was fed
 * @room:    frames it still takes, UINT32_MAX = no limit
 * @sent:    what it took, oldest first; freed by port_forget()
 * @sent_by: the queue of each
 * @waiting: what it delivers next
 * @feeds:   port_feed() feeds this queue
 */
struct fake_port {
	struct port port;
	uint32_t room;
	uint32_t nr_sent;
	struct rte_mbuf *sent[FAKE_SENT_MAX];
	uint16_t sent_by[FAKE_SENT_MAX];
	uint32_t nr_waiting;
	struct rte_mbuf *waiting[FAKE_SENT_MAX];
	uint16_t feeds;
};

/** struct guest_queue - The front end's own side of a ring pair; indices are private */
struct guest_queue {
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	uint32_t tx_req_prod, tx_rsp_cons;
	uint32_t rx_req_prod, rx_rsp_cons;
	/* by slot: what was posted, to be found when it is answered */
	uint32_t rx_ref[NETIF_RING_SIZE];
	uint16_t rx_id[NETIF_RING_SIZE];
};

/**
 * struct guest - One guest, its path, its port; @config and @live may be changed before connecting
 * @takes_marks: it has made a flow rule with MARK; a mark for any other is an assertion
 */
struct guest {
	uint16_t domid;
	struct path_config config;
	struct path_live live;
	struct guest_queue queue[FAKE_QUEUES];
	struct fake_grant grant[FAKE_REFS];
	uint32_t next_ref;
	struct path *path;
	struct fake_port port;
	struct wake raise;
	bool takes_marks;
};

/* Mappings of guests' pages that there are now, of one page or of several. */
extern uint32_t fake_mappings;

/* The worker's tools that every guest's path is polled with; now_us is the test's to set. */
extern struct path_tools fake_tools;

/* Called before the copies of one call are done, with those to be done; NULL = not. */
extern void (*fake_copy_hook)(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr);
extern void *fake_copy_arg;

/* What the next gnt_copy call as a whole returns, once; 0 = it works. */
extern int fake_copy_error;

/** fake_start() - DPDK with plain memory; a setup of cmocka's, once. Return: 0, -1 (reason printed) */
int fake_start(void **state);

/**
 * fake_take_memory() - Leave only @free packet buffers; fake_give_memory() undoes it
 *
 * The others count as a device's: nobody keeps a part of them in reserve.
 */
void fake_take_memory(uint32_t free);
void fake_give_memory(void);

/** fake_all_free() - Is every packet buffer back in its pool? */
bool fake_all_free(void);

/** fake_all_whole() - The same, and is each there once? Takes a millisecond */
bool fake_all_whole(void);

/** fake_guest_at() - The guest in one of FAKE_GUESTS slots, NULL = none */
struct guest *fake_guest_at(uint32_t slot);

/** fake_find_guest() - Return: guest, NULL = there is none */
struct guest *fake_find_guest(uint16_t domid);

/** guest_new() - A guest with granted, zeroed rings and every feature; not connected yet */
struct guest *guest_new(uint16_t domid, uint32_t nr_queues);

/** guest_connect() - Map, attach, open the port. Return: 0, -errno */
int guest_connect(struct guest *guest);

/** guest_disconnect() - Detach and unmap; the guest and what the port recorded stay */
void guest_disconnect(struct guest *guest);

/** guest_free() - Disconnect; asserts that no mapping and no channel is left. NULL is fine */
void guest_free(struct guest *guest);

/** guest_poll() - One pass of the worker over this guest. Return: frames moved */
unsigned int guest_poll(struct guest *guest);

/** guest_fault() - Why it was stopped, NULL = it was not */
const char *guest_fault(const struct guest *guest);

/** guest_count() - A counter of the first queue */
uint64_t guest_count(const struct guest *guest, enum path_counter which);

/** guest_grant() - Grant a new page. Return: reference */
uint32_t guest_grant(struct guest *guest, bool readonly);

/** guest_page() - The bytes of a granted page */
uint8_t *guest_page(struct guest *guest, uint32_t ref);

/** guest_revoke() - From now on the reference is bad */
void guest_revoke(struct guest *guest, uint32_t ref);

/** guest_tx_put() - Write a request, not visible before guest_tx_push() */
void guest_tx_put(struct guest *guest, struct netif_tx_request req);

/** guest_tx_extra() - The same for an extra-info slot */
void guest_tx_extra(struct guest *guest, struct netif_extra_info extra);

/** guest_tx_push() - Publish what was put */
void guest_tx_push(struct guest *guest);

/** guest_tx_response() - Take the next response. Return: false if there is none */
bool guest_tx_response(struct guest *guest, struct netif_tx_response *rsp);

/**
 * guest_send() - One frame as a front end would send it, ids 1, 2, ...
 * @slots: at least that many slots, of about the same size
 * @flags: NETIF_TXF_* of the first slot, beside MORE_DATA
 * @gso:   its extra-info, NULL = none
 */
void guest_send(struct guest *guest, const void *bytes, uint32_t len, uint32_t slots,
		uint16_t flags, const struct netif_extra_info *gso);

/** guest_rx_post() - Post @nr buffers in a queue, filled with 0xee, and publish them */
void guest_rx_post(struct guest *guest, uint32_t queue, uint32_t nr);

/** struct guest_frame - A frame as the front end takes it off the ring */
struct guest_frame {
	uint32_t len;
	uint32_t slots;
	uint16_t flags;	 /* of the first response */
	int16_t status;	 /* of the first failed slot, 0 = none failed */
	uint16_t offset; /* of the first response */
	uint32_t nr_extras;
	struct netif_extra_info extra[GUEST_EXTRAS_MAX];
	uint8_t bytes[NETIF_FRAME_MAX + 1];
};

/**
 * guest_receive() - Take the next frame
 *
 * Asserts what a front end relies on: response i in the slot of request i with
 * its id, the data within its page, extra-info from the second slot on.
 * Return: false if there is none
 */
bool guest_receive(struct guest *guest, uint32_t queue, struct guest_frame *frame);

/** guest_notified_tx(), guest_notified_rx() - Times the channel was rung; rx is the shared one if not split */
uint32_t guest_notified_tx(const struct guest *guest, uint32_t queue);
uint32_t guest_notified_rx(const struct guest *guest, uint32_t queue);

/** guest_ring_bell() - The guest notifies: marks the channel and tells the path */
void guest_ring_bell(struct guest *guest, uint32_t queue);

/** guest_ring_ctrl() - The guest notifies a channel of the control thread by its own name for it */
void guest_ring_ctrl(uint16_t domid, uint32_t remote);

/** guest_masked() - Is the tx channel masked? */
bool guest_masked(const struct guest *guest, uint32_t queue);

/** port_feed() - A frame arrives, in mbufs of @seg_bytes (0 = as few as possible) */
struct rte_mbuf *port_feed(struct fake_port *port, const void *bytes, uint32_t len,
			   uint32_t seg_bytes);

/** port_sent() - Bytes of a frame that was sent. Return: length */
uint32_t port_sent(const struct fake_port *port, uint32_t which, void *bytes, uint32_t size);

/** port_forget() - Free what was recorded and what was not delivered */
void port_forget(struct fake_port *port);

#endif
