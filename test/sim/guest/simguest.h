/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simguest: a front end of netif in user space, for the sim bed.
 *
 * Well behaved and fast: it acts as Linux' xen-netfront does in the store and on the rings,
 * checks every answer as a suspicious guest would, and counts violations. One struct
 * simguest is one vif of one domain; a program may hold hundreds. Not thread-safe: a guest, or
 * a queue of it, belongs to one thread at a time. Only the control ring calls and those of the
 * store may block.
 *
 * Frames are copied once into pages that are granted for good (a stock front end grants and
 * revokes around every frame: `regrant` does that), 4 KiB a slot.
 */
#ifndef SIM_SIMGUEST_H
#define SIM_SIMGUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "common/capability.h"
#include "common/ring.h"
#include "../hv/simhv.h"

#define SIMGUEST_QUEUES_MAX 16u
#define SIMGUEST_BURST_MAX 64u
#define SIMGUEST_SLOTS_MAX 18u /* of one frame */

/** struct simguest_config - What to ask for; zero = what Linux' netfront asks for */
struct simguest_config {
	uint32_t domid, devid;
	uint32_t queues;	     /* 0 = 1; bounded by what the back end offers */
	bool shared_channel;	     /* one event channel a queue even if two are offered */
	bool no_sg, no_gso, no_csum; /* do not offer these for reception */
	bool no_rx_notify;
	bool ctrl_ring;		/* connect the control ring if it is offered */
	bool static_grants;	/* map all buffers once (implies ctrl_ring) */
	bool multicast_control; /* request-multicast-control=1 from the start */
	bool poll;		/* ask for no events at all */
	bool regrant;		/* grant and revoke around each frame */
	uint32_t xdp_headroom;	/* bytes, Linux' extension */
	uint32_t rx_buffers;	/* posted per queue, 0 = all 256 */
	uint32_t timeout_ms;	/* of each step of the handshake, 0 = 10000 */
	const char *key;	/* one more to write, or one of the others to write wrongly */
	const char *value;
};

/** struct simguest_frame - One frame on its way in or out */
struct simguest_frame {
	void *data; /* tx: NULL = send what the buffer holds from its last use */
	uint32_t len;
	uint32_t head;	   /* tx: copy this many bytes of data only, 0 = all */
	uint16_t flags;	   /* tx: NETIF_TXF_*, rx: NETIF_RXF_*, of csum only */
	uint16_t gso_size; /* 0 = none */
	uint8_t gso_type;  /* NETIF_GSO_* */
	uint8_t hash_type; /* rx: 1 + NETIF_HASH_*, 0 = none given */
	uint16_t offset;   /* rx: of the data in its page */
	uint16_t headroom; /* rx: as reported by the back end */
	uint32_t hash;
};

struct simguest_stats {
	uint64_t tx_frames, tx_bytes, tx_error, tx_dropped, tx_full;
	uint64_t rx_frames, rx_bytes, rx_error;
	uint64_t notifies, events;
	uint64_t violations; /* of the protocol by the back end */
	uint64_t in_use;     /* grants that could not be revoked */
	char why[64];	     /* the first violation */
};

struct simguest_ring {
	uint32_t prod, cons; /* ours: requests made, responses consumed */
	uint32_t gref;	     /* of the ring page */
	int port;
	uint32_t gfn;
};

struct simguest_queue {
	struct simguest *guest;
	uint32_t index;
	struct simguest_ring tx, rx;
	struct netif_tx_sring *txs;
	struct netif_rx_sring *rxs;
	uint32_t tx_gfn, rx_gfn; /* 256 pages each */
	uint8_t *tx_mem, *rx_mem;
	uint32_t tx_gref[NETIF_RING_SIZE], rx_gref[NETIF_RING_SIZE];
	uint16_t tx_free[NETIF_RING_SIZE]; /* stack of ids */
	uint32_t tx_nr_free;
	uint8_t tx_busy[NETIF_RING_SIZE]; /* id is with the back end */
	uint32_t rx_posted_max;
	uint8_t *rx_linear; /* frames of several slots, put together */
	uint32_t static_nr;
	struct simguest_stats stats;
};

/** struct simguest_aware - The part of the back end's capability record that is in use */
struct simguest_aware {
	bool on;
	uint32_t generation, queues, mtu, tx_offloads;
	uint64_t acks;
};

struct simguest {
	struct simguest_config config;
	struct simguest_aware aware;
	struct xs_handle *xs;
	char front[64], back[128];
	uint32_t back_domid; /* the domain that may use our grants and channels */
	uint8_t mac[6];
	uint32_t mtu;
	/* what the back end offered */
	bool can_sg, can_gso4, can_gso6, can_csum4, can_csum6, can_split, can_ctrl, can_mcast;
	uint32_t max_queues;
	int evh, fd;
	uint32_t nr_queues;
	bool connected;
	struct simguest_ring ctrl;
	struct netif_ctrl_sring *ctrls;
	uint16_t ctrl_id;
	uint32_t list_gfn, list_gref; /* page for keys, tables and lists */
	struct simguest_queue queue[SIMGUEST_QUEUES_MAX];
};

/**
 * simguest_open() - Take a vif of a domain that the toolstack made
 *
 * Return: the guest, or NULL with errno set and a line on stderr
 */
struct simguest *simguest_open(const struct simguest_config *config);
/** simguest_connect() - From Initialising to both sides Connected. Return: 0 or -errno */
int simguest_connect(struct simguest *g);
/** simguest_publish() - The first half: rings made, keys and state=4 written, not waited */
int simguest_publish(struct simguest *g);
/** simguest_offer() - In InitWait: rings made, keys and state=4 written. Return: 0 or -errno */
int simguest_offer(struct simguest *g);
int simguest_wait_connected(struct simguest *g);
/** simguest_close() - Closing, Closed, revoke all. Return: grants still in use (0 = good) */
int simguest_close(struct simguest *g);
/** simguest_disconnect() - As close, but the guest can connect again */
int simguest_disconnect(struct simguest *g);
/** simguest_withdraw() - Both sides Closed: rings and keys are gone. Return: as simguest_close() */
int simguest_withdraw(struct simguest *g);
/** simguest_abandon() - Free this process' side only, as if the program had crashed */
void simguest_abandon(struct simguest *g);
/** simguest_back_state() - xenbus state of the back end, 0 if unreadable */
int simguest_back_state(struct simguest *g);
int simguest_front_state(struct simguest *g, int state);
int simguest_wait_back(struct simguest *g, uint32_t states, int limit_ms);
char *simguest_read(struct simguest *g, const char *dir, const char *key);
int simguest_write(struct simguest *g, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** simguest_stats_sum() - Of all queues */
void simguest_stats_sum(const struct simguest *g, struct simguest_stats *sum);
void simguest_violation(struct simguest_queue *q, const char *why);

/* rings.c */
int simguest_rings_create(struct simguest *g);
int simguest_rings_destroy(struct simguest *g); /* Return: grants still in use */
/**
 * simguest_tx() - Send frames
 *
 * Return: frames taken, fewer when the ring or the buffers are exhausted
 */
uint32_t simguest_tx(struct simguest_queue *q, const struct simguest_frame *frames, uint32_t nr);
/** simguest_tx_reap() - Consume answers. Return: slots freed */
uint32_t simguest_tx_reap(struct simguest_queue *q);
/**
 * simguest_rx() - Receive frames
 *
 * Data stays valid until the next call for this queue, which also posts the buffers again.
 * Return: frames received
 */
uint32_t simguest_rx(struct simguest_queue *q, struct simguest_frame *frames, uint32_t nr);
/** simguest_mcast() - Add to or remove from the multicast filter list */
int simguest_mcast(struct simguest_queue *q, bool add, const uint8_t *addr);
/** simguest_arm() - Ask for events on all rings. Return: true when there is work already */
bool simguest_arm(struct simguest *g);
/** simguest_events_clear() - Take and unmask all pending events. Return: how many */
uint32_t simguest_events_clear(struct simguest *g);

/* aware.c */
/** simguest_aware_start() - Connected: publish our own capability record. Return: 0, -1 */
int simguest_aware_start(struct simguest *g);
/** simguest_aware_poll() - Adopt a new record and acknowledge it. Return: the settings changed */
bool simguest_aware_poll(struct simguest *g);

/* ctrl.c: Return: NETIF_CTRL_STATUS_* or -errno; *@data of the response */
int simguest_ctrl(struct simguest *g, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		  uint32_t *data);
int simguest_hash_key(struct simguest *g, const uint8_t *key, uint32_t len);
int simguest_hash_mapping(struct simguest *g, const uint32_t *queues, uint32_t nr, uint32_t offset);
/** simguest_static_add() - Offer all buffers of a queue. Return: how many are mapped, or -errno */
int simguest_static_add(struct simguest_queue *q);
/** simguest_static_del() - Take them back. Return: how many were unmapped, or -errno */
int simguest_static_del(struct simguest_queue *q);

#endif
