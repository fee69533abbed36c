/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_xenfront: a poll-mode driver for a Xen network interface, in a guest's user space.
 *
 * Threads: the application's, which configure the port and poll its queues; and one watcher for
 * each port, which follows xenstore (watch.c). They meet in three places: the port's life, which
 * whoever connects or disconnects has, for as long as the back end takes; the port's lock, for the
 * connection and the record, which nobody holds while a back end is to change its state; and a
 * queue's spinlocks, which a poll only tries, so it returns nothing while the queue is being
 * connected or disconnected. Life is taken before the lock.
 *
 * The back end is not trusted. What it writes to rings and xenstore is copied, bounded and checked;
 * if it breaks the protocol the port is lost (xf_fault()), the application continues.
 */
#ifndef XENFRONT_PMD_H
#define XENFRONT_PMD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_spinlock.h>
#include <xenevtchn.h>

#include "common/capability.h"
#include "common/flow.h"
#include "common/ring.h"
#include "pages.h"
#include "ring.h"
#include "store.h"

#define XF_QUEUES_MAX 16u
#define XF_DESC_MIN 32u
#define XF_DESC_MAX NETIF_RING_SIZE

/* Of a frame: requests, and longest MTU in one page and in many. */
#define XF_SLOTS_MAX NETIF_SLOTS_MIN
#define XF_FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)
#define XF_MTU_ONE_PAGE (NETIF_PAGE_SIZE - XF_FRAME_OVERHEAD)
#define XF_MTU_MAX (NETIF_FRAME_MAX - XF_FRAME_OVERHEAD)

#define XF_RSS_KEY 40u
#define XF_RSS_TABLE 128u
#define XF_GROUPS_MAX 64u
#define XF_POOLS_MAX 8u

extern int xf_logtype;
#define XF_LOG(level, port, fmt, ...)                                                              \
	rte_log(RTE_LOG_##level, (uint32_t)xf_logtype, "net_xenfront: vif %u: " fmt "\n",          \
		(port)->vif, ##__VA_ARGS__)

/* What hinders a connection: once, however often the watcher tries */
#define XF_TELL(port, fmt, ...)                                                                    \
	rte_log((port)->told ? RTE_LOG_DEBUG : RTE_LOG_ERR, (uint32_t)xf_logtype,                  \
		"net_xenfront: vif %u: " fmt "\n", (port)->vif, ##__VA_ARGS__)

/** struct xf_rx_stats - Frames and bytes that one queue received, and what became of them */
struct xf_rx_stats {
	uint64_t packets, bytes;
	uint64_t zero_copy, copied; /* frames: lent pages only, at least one copy */
	uint64_t no_mbuf;	    /* frames dropped: the application's pool is empty */
	uint64_t errors;	    /* frames dropped: the back end says so */
	uint64_t malformed; /* frames dropped: sizes, types or chains that are not allowed */
	uint64_t notifies, wakes;
};

/** struct xf_tx_stats - The same for frames sent */
struct xf_tx_stats {
	uint64_t packets, bytes;
	uint64_t zero_copy, copied;
	uint64_t errors;  /* answered with an error */
	uint64_t dropped; /* answered as dropped */
	uint64_t refused; /* longer or in more pieces than the protocol takes */
	uint64_t full;	  /* bursts that the ring had no room for */
	uint64_t notifies;
};

struct xf_rx {
	rte_spinlock_t lock;
	bool live, configured, wants_types, scatter;
	uint16_t nb_desc, port_id;
	uint32_t copybreak; /* longest frame that is copied instead of lent */
	uint32_t post_at;   /* free slots at which buffers are posted */
	uint64_t offloads;
	struct xf_queue *queue;
	struct xf_rx *also; /* pair without a queue of its own, polled by this one */
	struct rte_mempool *pool;
	struct xf_ring ring;
	struct netif_rx_sring *sring;
	struct xf_share *share;
	struct xf_page *slot[NETIF_RING_SIZE];
	struct xf_page **spare; /* stack of pages that are home */
	uint32_t nr_spare;
	struct rte_mbuf *mbuf[64]; /* allocated ahead */
	uint32_t nr_mbufs;
	struct xf_rx_stats stats;
};

struct xf_tx_id {
	struct rte_mbuf *segment; /* sent from where it lies, freed when answered */
	uint32_t ref;		  /* of its page */
	bool busy;
};

struct xf_tx {
	rte_spinlock_t lock;
	bool live, configured;
	uint16_t nb_desc;
	uint64_t offloads;
	struct xf_queue *queue;
	struct xf_ring ring;
	struct netif_tx_sring *sring;
	struct xf_share *share; /* a page for each id */
	struct xf_tx_id id[NETIF_RING_SIZE];
	uint16_t free[NETIF_RING_SIZE];
	uint32_t nr_free;
	uint32_t nr_extras; /* on the ring, without an answer */
	struct xf_tx_stats stats;
};

/** struct xf_queue - A pair of rings with its channels */
struct xf_queue {
	struct xf_port *port;
	uint32_t index;
	struct xf_share *rings; /* tx ring, rx ring */
	xenevtchn_handle *channel;
	int tx_port, rx_port; /* one number if there is one channel */
	int poll_fd;	      /* epoll of the channel and @wake; lives as long as the port */
	int wake;	      /* eventfd */
	uint32_t lent;	      /* static grants */
	struct xf_rx rx __rte_cache_aligned;
	struct xf_tx tx __rte_cache_aligned;
};

/** struct xf_ctrl - The control ring; one message at a time */
struct xf_ctrl {
	bool usable;
	uint64_t deadline; /* of all messages under one hold of the port's lock, ms of the clock */
	uint16_t id;
	struct xf_ring ring;
	struct netif_ctrl_sring *sring;
	struct xf_share *pages; /* the ring, and a page for lists */
	xenevtchn_handle *channel;
	int port;
};

struct xf_args {
	uint32_t vif, copybreak, spare, headroom;
	bool static_grants, split, ctrl;
};

struct xf_rss {
	bool asked; /* by the application: key, table or hash */
	uint64_t types;
	uint8_t key[XF_RSS_KEY];
	uint32_t table[XF_RSS_TABLE];
};

/**
 * struct xf_record - The exchange of capabilities
 * @have:    the back end has one; @theirs is it
 * @awaited: it was waited for
 * @changes: since the start
 * @own:     what we said last
 */
struct xf_record {
	bool have, awaited;
	uint64_t changes, refused;
	struct vifcap theirs, own;
	uint32_t wished_flags;
	struct rte_ether_addr wished_mac;
	bool wishes_mac;
};

struct xf_groups {
	uint32_t nr, told;
	struct rte_ether_addr want[XF_GROUPS_MAX], in_force[XF_GROUPS_MAX];
};

/**
 * struct xf_pool - A pool over granted memory: rte_pmd_xenfront.h
 * @share:   its pages, NULL: none are granted
 * @renewed: of them are in use, while there are
 * @old:     pages of before a migration
 */
struct xf_pool {
	struct rte_mempool *mempool;
	struct xf_share *share, *old;
	uint32_t renewed;
};

/**
 * struct xf_flows - Rules of rte_flow
 * @first:    the oldest; at most VIFFLOW_RULES_MAX
 * @nr:       of them
 * @in_force: those that the back end has
 * @isolated: the application wants frames that no rule takes dropped; @isolates: they are
 * @no_marks: the application negotiated that frames carry none
 */
struct xf_flows {
	struct rte_flow *first;
	uint64_t nr, in_force;
	uint32_t last_id;
	bool isolated, isolates, no_marks;
};

struct xf_port {
	uint32_t vif;
	uint16_t port_id;
	struct rte_eth_dev *dev;
	struct xf_args args;
	int lock_fd; /* one process for a vif */
	pthread_mutex_t life, lock;
	bool hurry; /* somebody waits for life to end the connection */
	struct xf_store store;
	struct xf_offer offer;
	xengntshr_handle *gnt;
	struct xf_share *retired;
	uint32_t nr_queues; /* connected pairs */
	bool started, connected, broken, removed, set_down;
	uint64_t connects, faults;
	struct rte_ether_addr mac;
	struct xf_ctrl ctrl;
	struct xf_record record;
	struct xf_rss rss;
	struct xf_groups groups;
	bool carrier;
	/* watcher */
	pthread_t watcher;
	bool has_watcher, stop_watcher;
	bool waits; /* before it connects again */
	bool told;  /* why it cannot */
	int watcher_wake;
	struct xf_flows flows;
	uint32_t nr_pools;
	struct xf_pool pool[XF_POOLS_MAX];
	bool no_types; /* rte_eth_dev_set_ptypes(): the application wants none */
	struct xf_queue queue[XF_QUEUES_MAX];
};

static inline struct xf_port *xf_port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

/* --- probe.c: the driver, its arguments, the scan ---- */

/** xf_port_open() - Take a vif: store, grants, its lock. Return: 0 or -errno, logged */
int xf_port_open(struct xf_port *port);
void xf_port_close(struct xf_port *port);

/* --- ops.c: ethdev's calls --------------------------- */
extern const struct eth_dev_ops xf_ops;
void xf_link_set(struct xf_port *port);
/** xf_fault() - The back end broke the protocol: the port is lost until it is reset. Any thread */
void xf_fault(struct xf_port *port, const char *why);

/* --- xenbus.c: connection ---------------------------- */

/** xf_lock() - The port's lock; all messages that are sent under it have 10 s together */
void xf_lock(struct xf_port *port);
void xf_unlock(struct xf_port *port);
/** xf_begin() - Life and the lock. @hurry: whoever has it gives up waiting for the back end */
void xf_begin(struct xf_port *port, bool hurry);
void xf_end(struct xf_port *port);

/*
 * These three need life and the lock, and release the lock while they wait for the back end's
 * state: for others the port is not connected then.
 */

/**
 * xf_take() - Bring a vif into Initialising, whoever had it before, and read what is offered
 *
 * Return: 0 or -errno, logged
 */
int xf_take(struct xf_port *port);
/** xf_connect() - Rings, channels, keys, Connected. Return: 0 or -errno, logged */
int xf_connect(struct xf_port *port);
/** xf_disconnect() - Close and give everything back. @polite: the back end is told */
void xf_disconnect(struct xf_port *port, bool polite);

/* --- channel.c --------------------------------------- */

/**
 * xf_resumed() - Notice that the guest was restored or migrated, and part with what it lost: the
 * event channels, which must not be closed any more, and the pools' grants. Lock held
 *
 * Return: it was; the port is to be disconnected
 */
bool xf_resumed(struct xf_port *port);

/* --- queue.c ----------------------------------------- */

/**
 * xf_queue_connect() - Memory and channels of one pair, with @spare pages to lend. All or nothing
 *
 * Return: 0 or -errno; -ENOSPC: no grants left
 */
int xf_queue_connect(struct xf_port *port, uint32_t index, uint32_t spare);
/** xf_queue_start() - The back end is Connected: post buffers and let the application in */
void xf_queue_start(struct xf_queue *q);
void xf_queue_disconnect(struct xf_queue *q);
/** xf_queue_quiet() - No poll is, or will be, in the queue */
void xf_queue_quiet(struct xf_queue *q);
int xf_queue_init(struct xf_port *port, uint32_t index);
void xf_queue_fini(struct xf_queue *q);
int xf_rx_intr_enable(struct rte_eth_dev *dev, uint16_t index);
int xf_rx_intr_disable(struct rte_eth_dev *dev, uint16_t index);

/* --- rx.c, tx.c -------------------------------------- */
uint16_t xf_rx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t nr);
void xf_rx_post(struct xf_rx *rx);
/** xf_rx_clear() - Pages of the ring go home. Not live */
void xf_rx_clear(struct xf_rx *rx);
uint16_t xf_tx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t nr);
uint16_t xf_tx_prepare(void *queue, struct rte_mbuf **mbufs, uint16_t nr);
/** xf_tx_clear() - Frames without an answer are freed. Not live */
void xf_tx_clear(struct xf_tx *tx);
int xf_tx_done_cleanup(void *queue, uint32_t nr);
/** xf_tx_group() - Add a group to the back end's list, or remove it. Return: 0, -EAGAIN */
int xf_tx_group(struct xf_tx *tx, bool add, const struct rte_ether_addr *group);

/* --- ctrl.c, static.c, rss.c, groups.c --------------- */
int xf_ctrl_connect(struct xf_port *port);
void xf_ctrl_disconnect(struct xf_port *port);
/**
 * xf_ctrl_call() - Send a message and wait for its answer, for 5 s and until xf_lock()'s deadline
 * @result: its data word (untrusted); may be NULL
 *
 * Port's lock held. Return: 0; -EOPNOTSUPP, -EINVAL, -ENOSPC by its status; -ETIMEDOUT or -EPROTO:
 * the ring is not used any more
 */
int xf_ctrl_call(struct xf_port *port, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		 uint32_t *result);
/** xf_ctrl_patience() - A new deadline: all messages from now on have 10 s. Lock held */
void xf_ctrl_patience(struct xf_port *port);
/** xf_ctrl_list() - The page for lists and its grant; NULL: no control ring */
void *xf_ctrl_list(struct xf_port *port, uint32_t *ref);

/** xf_static_add() - Have the back end map the pages of all queues, as far as it does. Lock held */
void xf_static_add(struct xf_port *port);
/** xf_static_del() - The opposite. Return: 0, or the first error: they are mapped still */
int xf_static_del(struct xf_port *port);

/** xf_rss_apply() - Send key and table, if the application asked for any. Lock held */
int xf_rss_apply(struct xf_port *port);
void xf_rss_init(struct xf_port *port);
int xf_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *table, uint16_t size);
int xf_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *table, uint16_t size);
int xf_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int xf_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
/** xf_rss_types() - Those of DPDK's that the back end can have. Of @types */
uint32_t xf_rss_types(uint64_t types);
/** xf_rss_can() - Are all of @types among them? */
bool xf_rss_can(uint64_t types);

int xf_groups_set(struct rte_eth_dev *dev, struct rte_ether_addr *groups, uint32_t nr);
/** xf_groups_apply() - Tell the back end what changed. Lock held */
int xf_groups_apply(struct xf_port *port);
int xf_allmulticast_enable(struct rte_eth_dev *dev);
int xf_allmulticast_disable(struct rte_eth_dev *dev);
/** xf_groups_filter() - Whether the back end shall filter */
bool xf_groups_filter(const struct xf_port *port);

/* --- record.c ---------------------------------------- */

/** xf_record_read() - Follow the back end's record. Lock held. Return: it changed */
bool xf_record_read(struct xf_port *port);
/** xf_record_publish() - Say what we can and want, if that changed. Lock held */
void xf_record_publish(struct xf_port *port);
/** xf_record_await() - Wait for it, at most 1.5 s of a connection. Lock held. Return: it is here */
bool xf_record_await(struct xf_port *port);
void xf_record_forget(struct xf_port *port);
/** xf_record_tx_offloads() - RTE_ETH_TX_OFFLOAD_* that are had now */
uint64_t xf_record_tx_offloads(const struct xf_port *port);
uint32_t xf_record_mtu(const struct xf_port *port);
int xf_promiscuous_enable(struct rte_eth_dev *dev);
int xf_promiscuous_disable(struct rte_eth_dev *dev);
int xf_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *mac);

/* --- watch.c ----------------------------------------- */
int xf_watch_start(struct xf_port *port);
void xf_watch_stop(struct xf_port *port);

/* --- stats.c ----------------------------------------- */
int xf_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int xf_stats_reset(struct rte_eth_dev *dev);
int xf_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int nr);
int xf_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int nr);

/* --- flow.c ------------------------------------------ */
int xf_flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops);
int xf_rx_metadata_negotiate(struct rte_eth_dev *dev, uint64_t *features);
/** xf_flows_restore() - Send all rules to a back end that has none. Lock held */
void xf_flows_restore(struct xf_port *port);
/** xf_flows_follow() - The record has changed: does the back end still have them? Lock held */
void xf_flows_follow(struct xf_port *port);
/** xf_flows_lost() - The back end has none of the rules any more. Lock held */
void xf_flows_lost(struct xf_port *port);
/** xf_flows_free() - All rules end; the back end is told nothing. Lock held, or closing */
void xf_flows_free(struct xf_port *port);

#endif
