// SPDX-License-Identifier: GPL-2.0
/*
 * hostile.ko - a network front end that breaks every rule it can
 *
 * Takes its guest's vif, connects as a front end does, and then does one bad thing after the other
 * in random order from a seed: false slots, missing or revoked grants, requests rewritten while they
 * are read, indices beyond the ring, event storms, changing states. When the back end has stopped
 * it, it connects again. It answers one question only: are the back end and its other guests
 * unharmed? The sim bed has the same guest as a program, with more queues and keys.
 *
 * Parameters: ops, seed, fatal (one operation in so many is one that ends the connection). To be read:
 * operations, connections, no_room, finished. At the end the log says how often each kind was done.
 *
 * One thread does everything; the driver's callbacks only start and stop it.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/interface/io/netif.h>
#include <xen/page.h>
#include <xen/xenbus.h>

#include "compat.h" /* frontend/linux */

#define RING_SLOTS 256u
#define MASK (RING_SLOTS - 1)
#define DATA_PAGES 64u
#define STATE_WAIT_MS 20000u
#define LOOK_EVERY 512u

static ulong ops = 20000;
module_param(ops, ulong, 0444);
static ulong seed = 1;
module_param(seed, ulong, 0444);
static uint fatal = 400;
module_param(fatal, uint, 0444);
static ulong operations;
module_param(operations, ulong, 0444);
static uint connections;
module_param(connections, uint, 0444);
static uint no_room;
module_param(no_room, uint, 0444);
static uint finished;
module_param(finished, uint, 0444);

/* The two types of the protocol's unions that its header does not name together */
union tx_slot {
	struct xen_netif_tx_request req;
	struct xen_netif_extra_info extra;
	u32 word[3];
};

static struct hostile {
	struct xenbus_device *dev;
	struct task_struct *thread;
	bool connected;
	u8 mac[6];
	struct xen_netif_tx_sring *tx;
	struct xen_netif_rx_sring *rx;
	grant_ref_t tx_ref, rx_ref;
	evtchn_port_t port;
	RING_IDX tx_prod, rx_prod;
	u8 *data[DATA_PAGES];
	grant_ref_t ref[DATA_PAGES]; /* the first half to read, the second to write */
} h;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 16);
}

static u32 below(u32 n)
{
	return rnd() % n;
}

static void notify(void)
{
	notify_remote_via_evtchn(h.port);
}

static void state_write(int state)
{
	xenbus_printf(XBT_NIL, h.dev->nodename, "state", "%d", state);
}

/* --- slots -------------------------------------------------------------------------------------- */

static bool has_room(u32 slots)
{
	int i;

	for (i = 0; i < 50; i++) {
		u32 used = h.tx_prod - READ_ONCE(h.tx->rsp_prod);

		if (used <= RING_SLOTS && RING_SLOTS - used >= slots)
			return true;
		notify();
		usleep_range(100, 400);
	}
	return false;
}

static union tx_slot *next_slot(void)
{
	return (union tx_slot *)&h.tx->ring[h.tx_prod++ & MASK];
}

static struct xen_netif_tx_request *slot(u16 flags, u16 offset, u16 size)
{
	u32 id = h.tx_prod & MASK;
	union tx_slot *s = next_slot();

	s->req = (struct xen_netif_tx_request){ h.ref[id % (DATA_PAGES / 2)], offset, flags, id,
						size };
	return &s->req;
}

static struct xen_netif_extra_info *extra(u8 type, bool more)
{
	struct xen_netif_extra_info *e = &next_slot()->extra;

	memset(e, 0, sizeof(*e));
	e->type = type;
	e->flags = more ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
	return e;
}

static void push(void)
{
	virt_wmb();
	WRITE_ONCE(h.tx->req_prod, h.tx_prod);
	if (below(8) == 0)
		notify();
}

/* Ethernet, IP and TCP headers that look right, the sender's address right every other time; then damaged */
static void headers(bool v6, u32 damage)
{
	u8 *p = h.data[(h.tx_prod & MASK) % (DATA_PAGES / 2)];
	u32 i;

	memset(p, 0, 128);
	for (i = 0; i < 12; i++)
		p[i] = rnd();
	p[0] &= 0xfe;
	if (below(2))
		memcpy(p + 6, h.mac, 6);
	p[12] = v6 ? 0x86 : 0x08;
	p[13] = v6 ? 0xdd : 0x00;
	p[14] = v6 ? 0x60 : 0x45;
	p[v6 ? 20 : 23] = 6;
	p[v6 ? 66 : 46] = 0x50;
	for (i = 0; i < damage; i++)
		p[12 + below(80)] = rnd();
}

/* --- operations that must cost only the guest a frame ---------------------------------------- */

static void do_honest(void)
{
	headers(below(2), 0);
	slot(0, 0, 60 + below(1400));
}

static void do_bad_gref(void)
{
	slot(0, 0, 60)->gref = below(2) ? rnd() : below(2048);
}

static void do_zero_slots(void)
{
	u32 i;

	slot(XEN_NETTXF_more_data, 0, 60);
	for (i = below(16); i; i--)
		slot(XEN_NETTXF_more_data, 0, 0);
	slot(0, 0, 0);
}

static void do_tiny_total(void)
{
	u32 i, n = 17 + below(3);

	slot(XEN_NETTXF_more_data, 0, below(40));
	for (i = 1; i < n - 1; i++)
		slot(XEN_NETTXF_more_data, 0, 1);
	slot(0, 0, 1);
}

static void do_sum_mismatch(void)
{
	slot(XEN_NETTXF_more_data, 0, 100 + below(200));
	slot(XEN_NETTXF_more_data, 0, 1000 + below(3000));
	slot(0, 0, below(4096));
}

static void do_runt(void)
{
	slot(0, below(4000), below(14));
}

static void do_csum_lies(void)
{
	headers(below(2), below(4));
	slot(XEN_NETTXF_csum_blank, 0, 14 + below(100));
}

static void do_gso_lies(void)
{
	u32 total = 60 + below(8000);
	struct xen_netif_extra_info *e;

	headers(below(2), below(4));
	slot(XEN_NETTXF_extra_info | XEN_NETTXF_csum_blank |
		     (total > 4096 ? XEN_NETTXF_more_data : 0),
	     0, total);
	e = extra(XEN_NETIF_EXTRA_TYPE_GSO, false);
	e->u.gso.size = 1 + (below(3) ? below(16) : below(65535));
	e->u.gso.type = 1 + below(2);
	e->u.gso.features = below(2);
	if (total > 4096)
		slot(0, 0, min(total - 4096, 4096u));
}

static void do_mcast_flood(void)
{
	struct xen_netif_extra_info *e;
	int i;

	slot(XEN_NETTXF_extra_info, 0, 60);
	e = extra(XEN_NETIF_EXTRA_TYPE_MCAST_ADD + below(2), false);
	for (i = 0; i < 6; i++)
		e->u.mcast.addr[i] = i ? rnd() : rnd() | 1;
}

static void do_rewrite(void)
{
	struct xen_netif_tx_request *req = slot(0, 0, 60);
	int i;

	push();
	for (i = 0; i < 50; i++) {
		WRITE_ONCE(req->size, below(200));
		WRITE_ONCE(req->offset, below(3800));
		WRITE_ONCE(req->flags, rnd() & 3);
		WRITE_ONCE(req->gref, below(2) ? rnd() : h.ref[0]);
	}
}

/* A grant that is revoked and granted again while it may be read */
static void do_revoke(void)
{
	u32 i = (h.tx_prod & MASK) % (DATA_PAGES / 2);

	slot(0, 0, 1514);
	push();
	if (gnttab_end_foreign_access_ref(h.ref[i]))
		gnttab_grant_foreign_access_ref(h.ref[i], h.dev->otherend_id,
						virt_to_gfn(h.data[i]), 1);
}

static void do_event_storm(void)
{
	int i;

	for (i = 0; i < 100; i++)
		notify();
}

static void do_events_lie(void)
{
	WRITE_ONCE(h.tx->rsp_event, rnd());
	WRITE_ONCE(h.rx->rsp_event, rnd());
	WRITE_ONCE(h.tx->req_event, rnd());
	WRITE_ONCE(h.rx->req_event, rnd());
}

/* Missing or read-only buffers; never more than a ring of them */
static void do_rx_buffers(void)
{
	int i;

	for (i = 0; i < 8 && h.rx_prod - READ_ONCE(h.rx->rsp_prod) < RING_SLOTS; i++) {
		struct xen_netif_rx_request *req = &h.rx->ring[h.rx_prod++ & MASK].req;

		req->id = rnd();
		req->gref = below(4) ? h.ref[below(DATA_PAGES)] : rnd();
	}
	virt_wmb();
	WRITE_ONCE(h.rx->req_prod, h.rx_prod);
}

static const char *const storm_keys[] = { "request-multicast-control", "xdp-headroom", "feature-sg",
					  "mac", "capability-ack" };

static void do_watch_storm(void)
{
	static const char *const values[] = { "1", "0", "-1", "99999999999999999999", "yes" };
	int i;

	for (i = 0; i < 4; i++)
		xenbus_printf(XBT_NIL, h.dev->nodename, storm_keys[below(ARRAY_SIZE(storm_keys))],
			      "%s", values[below(ARRAY_SIZE(values))]);
}

/* --- operations that end the connection ---------------------------------------------------------------------- */

static void do_page_crossing(void)
{
	slot(0, 4096 - below(60), 61 + below(4000));
}

static void do_huge_offset(void)
{
	slot(0, rnd(), rnd());
}

static void do_giant(void)
{
	slot(XEN_NETTXF_more_data, 0, 0xffff);
	slot(0, 0, 10);
}

static void do_extra_unknown(void)
{
	slot(XEN_NETTXF_extra_info, 0, 60);
	extra(5 + below(250), false);
}

static void do_extra_endless(void)
{
	u32 n = 20 + below(20);

	slot(XEN_NETTXF_extra_info, 0, 60);
	for (; n; n--)
		extra(1 + below(4), n > 1);
}

static void do_too_many_slots(void)
{
	u32 i;

	for (i = 21 + below(40); i; i--)
		slot(XEN_NETTXF_more_data, 0, 100);
	slot(0, 0, 10);
}

static void do_rewrite_all(void)
{
	u32 *word = (u32 *)slot(0, 0, 60);
	int i;

	push();
	for (i = 0; i < 200; i++)
		WRITE_ONCE(word[below(3)], rnd());
}

static void do_tx_index(void)
{
	WRITE_ONCE(h.tx->req_prod, h.tx_prod + 257 + below(1u << 30));
	notify();
}

static void do_rx_index(void)
{
	WRITE_ONCE(h.rx->req_prod, h.rx_prod + 257 + below(1u << 30));
	notify();
}

static void do_scribble(void)
{
	u32 *page = below(2) ? (u32 *)h.tx : (u32 *)h.rx;
	u32 i;

	for (i = 0; i < PAGE_SIZE / sizeof(*page); i++)
		page[i] = rnd();
	notify();
}

static void do_state_flap(void)
{
	int i;

	for (i = 0; i < 5; i++)
		state_write(below(10));
}

static void do_state_gone(void)
{
	xenbus_rm(XBT_NIL, h.dev->nodename, "state");
}

static struct kind {
	const char *name;
	void (*run)(void);
	u32 slots;  /* of the tx ring, 0 = none */
	u32 weight; /* 0 = ends the connection */
	u32 done;
} kinds[] = {
	{ "honest", do_honest, 1, 20 },
	{ "bad_gref", do_bad_gref, 1, 20 },
	{ "zero_slots", do_zero_slots, 18, 10 },
	{ "tiny_total", do_tiny_total, 20, 10 },
	{ "sum_mismatch", do_sum_mismatch, 3, 10 },
	{ "runt", do_runt, 1, 20 },
	{ "csum_lies", do_csum_lies, 1, 20 },
	{ "gso_lies", do_gso_lies, 3, 20 },
	{ "mcast_flood", do_mcast_flood, 2, 10 },
	{ "rewrite", do_rewrite, 1, 20 },
	{ "revoke", do_revoke, 1, 10 },
	{ "event_storm", do_event_storm, 0, 2 },
	{ "events_lie", do_events_lie, 0, 10 },
	{ "rx_buffers", do_rx_buffers, 0, 10 },
	{ "watch_storm", do_watch_storm, 0, 1 },
	{ "page_crossing", do_page_crossing, 1 },
	{ "huge_offset", do_huge_offset, 1 },
	{ "giant", do_giant, 2 },
	{ "extra_unknown", do_extra_unknown, 2 },
	{ "extra_endless", do_extra_endless, 42 },
	{ "too_many_slots", do_too_many_slots, 70 },
	{ "rewrite_all", do_rewrite_all, 1 },
	{ "tx_index", do_tx_index, 0 },
	{ "rx_index", do_rx_index, 0 },
	{ "scribble", do_scribble, 0 },
	{ "state_flap", do_state_flap, 0 },
	{ "state_gone", do_state_gone, 0 },
};

static u32 weight_of(const struct kind *k, bool ends)
{
	return ends ? !k->weight : k->weight;
}

static struct kind *pick(bool ends)
{
	u32 i, at, sum = 0;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		sum += weight_of(&kinds[i], ends);
	at = below(sum);
	for (i = 0; at >= weight_of(&kinds[i], ends); i++)
		at -= weight_of(&kinds[i], ends);
	return &kinds[i];
}

/* --- the connection -------------------------------------------------------------------------------- */

static int back_state(void)
{
	return vifront_compat_backend_state(h.dev);
}

static bool wait_back(int state)
{
	u32 ms;

	for (ms = 0; ms < STATE_WAIT_MS && !kthread_should_stop(); ms += 5) {
		if (back_state() == state)
			return true;
		msleep(5);
	}
	return false;
}

static void disconnect(void)
{
	h.connected = false;
	state_write(XenbusStateClosed);
	if (h.port)
		xenbus_free_evtchn(h.dev, h.port);
	h.port = 0;
	xenbus_teardown_ring((void **)&h.tx, 1, &h.tx_ref);
	xenbus_teardown_ring((void **)&h.rx, 1, &h.rx_ref);
}

static int keys_write(void)
{
	static const char *const ones[] = { "request-rx-copy", "feature-rx-notify", "feature-sg",
					    "feature-gso-tcpv4", "feature-gso-tcpv6" };
	const char *dir = h.dev->nodename;
	int i, err;

	err = xenbus_printf(XBT_NIL, dir, "tx-ring-ref", "%u", h.tx_ref)	 ?:
		      xenbus_printf(XBT_NIL, dir, "rx-ring-ref", "%u", h.rx_ref) ?:
		      xenbus_printf(XBT_NIL, dir, "event-channel", "%u", h.port);
	for (i = 0; !err && i < ARRAY_SIZE(ones); i++)
		err = xenbus_printf(XBT_NIL, dir, ones[i], "1");
	return err;
}

static int connect(void)
{
	int err;

	state_write(XenbusStateInitialising);
	if (!wait_back(XenbusStateInitWait))
		return -ETIMEDOUT;
	h.tx_prod = 0;
	h.rx_prod = 0;
	err = xenbus_setup_ring(h.dev, GFP_KERNEL, (void **)&h.tx, 1, &h.tx_ref)	 ?:
		      xenbus_setup_ring(h.dev, GFP_KERNEL, (void **)&h.rx, 1, &h.rx_ref) ?:
		      xenbus_alloc_evtchn(h.dev, &h.port)				 ?:
		      keys_write();
	if (err)
		return err;
	state_write(XenbusStateConnected);
	if (!wait_back(XenbusStateConnected))
		return -ETIMEDOUT;
	connections++;
	h.connected = true;
	return 0;
}

static void operate(void)
{
	struct kind *k = pick(below(fatal) == 0);

	if (k->slots && !has_room(k->slots)) {
		no_room++;
		if (back_state() != XenbusStateConnected)
			disconnect();
		return;
	}
	k->run();
	if (k->slots)
		push();
	k->done++;
	operations++;
	if (operations % LOOK_EVERY == 0 && back_state() != XenbusStateConnected)
		disconnect();
}

static int work(void *arg)
{
	int err = 0;
	u32 i;

	while (!err && operations < ops && !kthread_should_stop()) {
		if (h.connected)
			operate();
		else
			err = connect();
		cond_resched();
	}
	disconnect();
	if (err)
		pr_err("hostile: connection %u failed: %d\n", connections + 1, err);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		pr_info("hostile: %s=%u\n", kinds[i].name, kinds[i].done);
	finished = err ? 2 : 1;
	while (!kthread_should_stop())
		msleep(50);
	return 0;
}

/* --- the driver ------------------------------------------------------------------------------------ */

static void data_free(void)
{
	u32 i;

	for (i = 0; i < DATA_PAGES && h.data[i]; i++)
		gnttab_end_foreign_access(h.ref[i], virt_to_page(h.data[i]));
	memset(h.data, 0, sizeof(h.data));
}

static int data_alloc(void)
{
	u32 i;
	int ref;

	for (i = 0; i < DATA_PAGES; i++) {
		h.data[i] = (u8 *)get_zeroed_page(GFP_KERNEL);
		if (!h.data[i])
			return -ENOMEM;
		ref = gnttab_grant_foreign_access(h.dev->otherend_id, virt_to_gfn(h.data[i]),
						  i < DATA_PAGES / 2);
		if (ref < 0) {
			free_page((unsigned long)h.data[i]);
			h.data[i] = NULL;
			return ref;
		}
		h.ref[i] = ref;
	}
	return 0;
}

static int hostile_probe(struct xenbus_device *dev, const struct xenbus_device_id *id)
{
	u8 *m = h.mac;
	int err;

	if (h.dev)
		return -EBUSY;
	h.dev = dev;
	/* Written to the store by state_write() alone; here only so that loading does not wait for it. */
	dev->state = XenbusStateConnected;
	h.tx_ref = INVALID_GRANT_REF;
	h.rx_ref = INVALID_GRANT_REF;
	if (xenbus_scanf(XBT_NIL, dev->nodename, "mac", "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0],
			 &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		memset(m, 0, sizeof(h.mac));
	seed = seed * 0x9e3779b97f4a7c15UL + 1;
	err = data_alloc();
	if (!err) {
		h.thread = kthread_run(work, NULL, "hostile");
		err = PTR_ERR_OR_ZERO(h.thread);
	}
	if (err) {
		data_free();
		h.dev = NULL;
	}
	return err;
}

/* The next driver of this vif finds the store as the toolstack made it. */
static void storm_undo(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(storm_keys); i++)
		xenbus_rm(XBT_NIL, h.dev->nodename, storm_keys[i]);
	xenbus_printf(XBT_NIL, h.dev->nodename, "mac", "%pM", h.mac);
}

static void hostile_remove(struct xenbus_device *dev)
{
	kthread_stop(h.thread);
	storm_undo();
	data_free();
	h.dev = NULL;
}

static void otherend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
}

static const struct xenbus_device_id hostile_ids[] = { { "vif" }, { "" } };

static struct xenbus_driver hostile_driver = {
	.name = "hostile",
	.ids = hostile_ids,
	.probe = hostile_probe,
	.remove = hostile_remove,
	.otherend_changed = otherend_changed,
};

static int __init hostile_init(void)
{
	return xen_domain() ? xenbus_register_frontend(&hostile_driver) : -ENODEV;
}
module_init(hostile_init);

static void __exit hostile_exit(void)
{
	xenbus_unregister_driver(&hostile_driver);
}
module_exit(hostile_exit);

MODULE_DESCRIPTION("Xen network front end that breaks the protocol, to test back ends");
MODULE_LICENSE("GPL");
