/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vifront: a netfront that knows what its back end can do.
 *
 * tx always means that the guest sends. There is one struct vifront per
 * interface and one struct vifront_queue per ring pair. Both live from probe
 * to remove; a queue's rings, grants and event channels live from connect to
 * disconnect.
 *
 * Locking:
 *   q->tx       the netdev's tx queue lock (__netif_tx_lock)
 *   q->rx       the queue's NAPI, or whoever has disabled it
 *   fe->ctrl    fe->ctrl.lock, a mutex
 *   connect, disconnect, open, stop, offloads, capabilities, flow rules: rtnl
 *
 * The back end is not trusted: every ring entry is copied out once, and only
 * the copy is checked and used. A protocol violation goes to vifront_fault()
 * and stops this device only.
 *
 * Calls between the .c files go one way: main, vif, interface, netdev, ethtool and health at
 * the top, then xenbus, queue, rx and xdp, then tx, capability, rss and flow;
 * ring, check, flow_rule, pf_hook and fault call nothing here. `make circles`
 * finds what breaks this.
 */
#ifndef VIFRONT_H
#define VIFRONT_H

#include <linux/bpf.h>
#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/xdp.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>

#include "../../common/capability.h"
#include "check.h"
#include "compat.h"
#include "flow_rule.h"

#define VIFRONT_SLOTS NETIF_RING_SIZE
#define VIFRONT_QUEUES_MAX 16u

/* Most slots of one frame: its data and one GSO extra-info. */
#define VIFRONT_TX_FRAME_SLOTS (NETIF_SLOTS_MIN + 1)

/* Bytes of a received frame that are copied into the skb's linear part. */
#define VIFRONT_RX_HEAD 256u

/* Longest frame that fits into one page of the rx pool together with the headroom. */
#define VIFRONT_RX_LINEAR_MAX (SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)

/* Every tx offload that the protocol has; a back end may support only some. */
#define VIFRONT_TX_FEATURES (NETIF_F_SG | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | \
			     NETIF_F_TSO | NETIF_F_TSO6)

#define VIFRONT_MTU_MAX (NETIF_FRAME_MAX - VLAN_ETH_HLEN)

#define VIFRONT_RSS_KEY 40u
#define VIFRONT_RSS_TABLE 128u
#define VIFRONT_MCAST_MAX 64u

/**
 * struct vifront_tx_buf - the buffer of one request id
 * @page:      allocated zeroed, granted read-only from connect to disconnect
 * @page_gref: grant of @page
 * @skb_gref:  grant of a page of @skb, in use while VIFRONT_TX_GRANTED
 * @skb:       one reference, held while VIFRONT_TX_GRANTED
 */
struct vifront_tx_buf {
	struct page *page;
	grant_ref_t page_gref;
	grant_ref_t skb_gref;
	struct sk_buff *skb;
};

/**
 * struct vifront_rx_buf - the buffer of one slot of the rx ring
 * @page: from the queue's page pool, granted to the back end for writing
 * @gref: grant of @page; the slot keeps it when the page is replaced
 */
struct vifront_rx_buf {
	struct page *page;
	grant_ref_t gref;
};

/* copied: into our own pages; granted: the skb's pages were */
struct vifront_tx_stats {
	u64 packets, bytes, copied, granted, linearized, dropped, errors, stops, notifies;
	u64 timeouts, xdp_xmit;
};

/* copied: out of the ring's pages; taken: the skb got those pages */
struct vifront_rx_stats {
	u64 packets, bytes, copied, taken, no_memory, malformed, errors, csum_fixup, notifies;
	u64 xdp_pass, xdp_drop, xdp_tx, xdp_redirect, xdp_generic;
};

struct vifront_tx {
	struct vifront_ring ring;
	struct netif_tx_sring *sring;
	struct vifront_tx_buf buf[VIFRONT_SLOTS];
	u8 state[VIFRONT_SLOTS]; /* enum vifront_tx_state */
	u16 free[VIFRONT_SLOTS]; /* stack of free ids */
	u32 nr_free;
	u32 granted;             /* slots in VIFRONT_TX_GRANTED */
	u32 extras;              /* extra-info slots in flight */
	u32 coalesce_frames;     /* responses per event; 0 = no limit of ethtool's */
	bool copy_only;          /* never grant an skb's page */
};

/* The stack of free ids, under the tx queue lock. The caller of get has checked for room. */
static inline u16 vifront_tx_get_id(struct vifront_tx *tx)
{
	return tx->free[--tx->nr_free];
}

static inline void vifront_tx_put_id(struct vifront_tx *tx, u16 id)
{
	tx->state[id] = VIFRONT_TX_FREE;
	tx->free[tx->nr_free++] = id;
}

struct vifront_rx {
	struct vifront_ring ring;
	struct netif_rx_sring *sring;
	struct vifront_rx_buf buf[VIFRONT_SLOTS];
	struct page_pool *pool;
	struct xdp_rxq_info xdp;
	u32 coalesce_us;         /* NAPI: r, ethtool and DIM: w */
	u32 coalesce_frames;
	bool copy_only;          /* pages never leave the ring, data is copied out */
};

struct vifront_queue {
	struct vifront *fe;
	unsigned int id;
	bool connected;          /* rings exist; rtnl, cleared under the tx queue lock as well */
	bool napi_on;            /* under rtnl */
	u32 static_grants;       /* entries that the back end has mapped; under rtnl */
	unsigned int tx_irq, rx_irq; /* equal if both directions share an event channel */
	char tx_name[IFNAMSIZ + 16], rx_name[IFNAMSIZ + 16];
	grant_ref_t tx_ring_ref, rx_ring_ref;
	evtchn_port_t tx_evtchn, rx_evtchn;

	unsigned long eoi_pending; /* bits EOI_*: EOIs not sent yet */
	u32 progress;              /* irq: rw, responses consumed at the last interrupt */
	u32 events;                /* irq: w, NAPI: r; DIM uses the low 16 bits */

	struct napi_struct napi;
	struct hrtimer timer;
	struct dim dim;

	struct vifront_tx tx;
	struct vifront_rx rx;

	struct u64_stats_sync tx_sync, rx_sync;
	struct vifront_tx_stats tx_stats; /* w: like q->tx */
	struct vifront_rx_stats rx_stats; /* w: like q->rx */
};

struct vifront_ctrl {
	struct mutex lock;          /* one message at a time */
	bool connected;
	struct vifront_ring ring;
	struct netif_ctrl_sring *sring;
	grant_ref_t ring_ref;
	evtchn_port_t evtchn;
	unsigned int irq;
	u16 next_id;
	u32 late;                   /* messages given up whose responses may still come */
	wait_queue_head_t wq;
};

struct vifront_rss {
	bool live;                  /* the control ring may be used; under rtnl */
	u32 hash_types;             /* bits 1 << NETIF_HASH_*; 0 = RSS is not in use */
	u32 table_size;
	u8 key[VIFRONT_RSS_KEY];
	u32 table[VIFRONT_RSS_TABLE];
};

/**
 * struct vifront_flow - a flow rule
 * @fs:     as set by ethtool -N
 * @id:     by which the back end knows it while it is active
 * @active: the back end has it
 */
struct vifront_flow {
	struct ethtool_rx_flow_spec fs;
	u32 id;
	bool active;
};

struct vifront_flows {
	struct vifront_flow *rule[VIFFLOW_RULES_MAX]; /* by location; under rtnl */
	bool live;                  /* ntuple is on, the back end takes rules; under rtnl */
	u32 next_id;
	u64 rules, inactive;        /* how many of them */
};

/* What the back end offered in xenstore at the last connect. */
struct vifront_backend {
	unsigned int max_queues;
	bool split_event_channels, ctrl_ring, dynamic_multicast;
	netdev_features_t features; /* tx offloads that it accepts */
};

struct vifront_capability {
	struct xenbus_watch watch;  /* on the back end's record */
	bool watching;
	bool ready;                 /* the back end is Connected; under rtnl */
	struct work_struct work;    /* reads the back end's record */
	struct delayed_work publish; /* writes our record if it changed */
	bool have;                  /* @theirs is valid */
	struct vifcap theirs;       /* the record in force */
	u32 tx_mask;                /* VIFCAP_* offloads in use; rtnl: rw, fix_features: r */
	u32 flows;                  /* flow rules that may be used, 0 = none; the same */
	int mtu_before;             /* the admin's MTU if the back end forced a lower one, or 0 */
	u32 requested_flags;        /* VIFCAP_FLAG_*, by ethtool --set-priv-flags */
	struct vifcap own;          /* our record as last written */
	u64 changes, refused, path_changes;
};

struct vifront {
	struct net_device *netdev;
	struct xenbus_device *xbdev;
	struct vifront_queue *queues;
	unsigned int nr_queues;     /* connected queues */
	unsigned int max_queues;    /* allocated queues */
	bool trusted;
	bool virtual_vf;            /* made by vifront_pf; constant */
	bool stopping;              /* about to be removed: no PF any more */
	bool broken;                /* set once per connection, in any context */
	bool attached;              /* connected and usable; under rtnl */
	u32 connection;             /* counts the times that it connected; under rtnl */
	bool dim_on;                /* adaptive-rx */
	u32 rx_copybreak, tx_copybreak; /* bytes */
	const char *fault;          /* the last protocol violation; a constant */
	unsigned int fault_queue;
	u64 faults, resets;
	struct work_struct fault_work, reset_work, rx_mode_work, connected_work;

	struct vifront_backend be;
	struct vifront_ctrl ctrl;
	struct vifront_rss rss;
	struct vifront_flows flows;
	struct vifront_capability cap;
	struct xenbus_watch carrier_watch;
	bool carrier_watching;

	u8 (*mcast)[ETH_ALEN];      /* filter list as last sent; rx_mode_work */
	unsigned int nr_mcast;
	bool mcast_filter;          /* request-multicast-control as last written */

	struct bpf_prog __rcu *xdp_prog;
	struct devlink *devlink;
	struct devlink_health_reporter *reporter;
};

/* fault.c */
void vifront_fault(struct vifront *fe, unsigned int queue, const char *why);

/* interface.c: process context without rtnl */
struct vifront *vifront_start(struct xenbus_device *xbdev, struct device *parent);
void vifront_stop(struct vifront *fe);

/* netdev.c */
void vifront_netdev_init(struct net_device *dev);

/* queue.c: under rtnl */
int vifront_queue_connect(struct vifront_queue *q, bool split);
void vifront_queue_disconnect(struct vifront_queue *q);
void vifront_queue_enable(struct vifront_queue *q);
void vifront_queue_disable(struct vifront_queue *q);
void vifront_queue_init(struct vifront *fe, unsigned int id);
void vifront_queue_fini(struct vifront_queue *q);

/* tx.c */
netdev_tx_t vifront_start_xmit(struct sk_buff *skb, struct net_device *dev);
int vifront_tx_init(struct vifront_queue *q);
void vifront_tx_fini(struct vifront_queue *q);
int vifront_tx_reclaim(struct vifront_queue *q, int budget);
void vifront_tx_arm(struct vifront_queue *q);
int vifront_tx_frame(struct vifront_queue *q, const void *data, u32 len);
void vifront_tx_kick(struct vifront_queue *q);
int vifront_tx_multicast(struct vifront_queue *q, u8 type, const u8 *addr);

/* tx_fill.c: under the tx queue lock; the caller has checked for room */
bool vifront_tx_fill_skb(struct vifront_queue *q, struct sk_buff *skb);
void vifront_tx_fill_frame(struct vifront_tx *tx, const void *data, u32 len);
void vifront_tx_fill_multicast(struct vifront_tx *tx, u8 type, const u8 *addr);

/* rx.c: init and fini in process context, poll in NAPI's */
int vifront_rx_init(struct vifront_queue *q);
void vifront_rx_fini(struct vifront_queue *q);
int vifront_rx_poll(struct vifront_queue *q, int budget);

/* rx_skb.c: NAPI context */
struct sk_buff *vifront_rx_copy(struct vifront_queue *q, const struct vifront_rx_frame *f);
struct sk_buff *vifront_rx_take(struct vifront_queue *q, const struct vifront_rx_frame *f);
void vifront_rx_copy_out(struct vifront_queue *q, const struct vifront_rx_frame *f, u32 from,
			 void *to, u32 len);
void vifront_rx_deliver(struct vifront_queue *q, struct sk_buff *skb,
			const struct vifront_rx_frame *f);

/* xdp.c */
struct sk_buff *vifront_xdp_run(struct vifront_queue *q, struct bpf_prog *prog,
				const struct vifront_rx_frame *f, bool *flush);
int vifront_xdp(struct net_device *dev, struct netdev_bpf *bpf);
int vifront_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags);

/* xenbus.c */
void vifront_disconnect(struct vifront *fe);
int vifront_reset(struct vifront *fe);
void vifront_close(struct vifront *fe);
void vifront_unwatch(struct vifront *fe);
void vifront_otherend_changed(struct vifront *fe, enum xenbus_state state);

/* xenstore.c: process context, may sleep */
int vifront_xenstore_read(struct vifront *fe);
int vifront_xenstore_publish(const struct vifront *fe);
void vifront_xenstore_remove(const struct vifront *fe);

/* ctrl.c: process context, may sleep */
int vifront_ctrl_connect(struct vifront *fe);
void vifront_ctrl_disconnect(struct vifront *fe);
int vifront_ctrl_call(struct vifront *fe, u16 type, u32 d0, u32 d1, u32 d2, u32 *result);
int vifront_ctrl_call_page(struct vifront *fe, u16 type, const void *data, size_t len, u32 d1,
			   u32 *result);
bool vifront_ctrl_waits(struct vifront *fe);
int vifront_ctrl_ask_page(struct vifront *fe, u16 type, u32 d0, void *data, size_t len,
			  u32 *result);

/* rss.c: under rtnl */
void vifront_rss_connected(struct vifront *fe);
void vifront_rss_disconnect(struct vifront *fe);
int vifront_rss_set_queues(struct vifront *fe, unsigned int nr);
int vifront_rss_set(struct vifront *fe, const u32 *table, const u8 *key);

/* flow.c: under rtnl */
void vifront_flow_sync(struct vifront *fe);
int vifront_flow_switch(struct vifront *fe, bool on);
void vifront_flow_check(struct vifront *fe);
void vifront_flow_disconnect(struct vifront *fe);
int vifront_flow_insert(struct vifront *fe, struct ethtool_rx_flow_spec *fs);
const struct vifront_flow *vifront_flow_at(const struct vifront *fe, u32 location);
int vifront_flow_delete(struct vifront *fe, u32 location);
void vifront_flow_fini(struct vifront *fe);

/* static_grants.c: under rtnl */
void vifront_static_grants_add(struct vifront *fe);
int vifront_static_grants_del(struct vifront *fe);

/* mcast.c */
void vifront_mcast_work(struct work_struct *work);

/* capability.c */
void vifront_cap_init(struct vifront *fe);
void vifront_cap_connected(struct vifront *fe);
void vifront_cap_disconnect(struct vifront *fe);
void vifront_cap_publish(struct vifront *fe);
void vifront_cap_update_carrier(struct vifront *fe);
int vifront_cap_request_flags(struct vifront *fe, u32 flags);
netdev_features_t vifront_cap_features(const struct vifront *fe);

/* coalesce.c */
void vifront_coalesce_init(struct vifront_queue *q);
void vifront_coalesce_sample(struct vifront_queue *q);
u32 vifront_coalesce_event_after(struct vifront_queue *q, int work);
void vifront_coalesce_set(struct vifront_queue *q, u32 us, u32 frames);

/* ethtool.c, ethtool_flow.c, ethtool_stats.c */
extern const struct ethtool_ops vifront_ethtool_ops;
int vifront_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *info, u32 *rules);
int vifront_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *info);
int vifront_stats_count(const struct vifront *fe);
void vifront_stats_names(const struct vifront *fe, u8 *p);
void vifront_stats_values(const struct vifront *fe, u64 *p);

/* health.c */
int vifront_health_create(struct vifront *fe);
void vifront_health_destroy(struct vifront *fe);
void vifront_health_report(struct vifront *fe);

/* selftest.c, selftest_flow.c: module load */
int vifront_selftest(void);
int vifront_selftest_flow(void);

#endif
