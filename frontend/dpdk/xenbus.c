/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a connection.
 *
 *   take        whoever had the vif: Closing, Closed, its keys removed, Initialising; the back end
 *               answers InitWait
 *   connect     rings and channels, our keys in one transaction, Connected; the back end answers
 *               Connected; then what needs the control ring
 *   disconnect  Closing, Closed, keys removed; pages end when the application has none left
 *
 * A process that was killed leaves Connected behind; the next one, or the kernel's driver, takes
 * the vif over by the same steps. A back end that does not answer costs the limits below, and nobody
 * the lock.
 */
#include "pmd.h"
#include "pool.h"

#define OFFER_MS 10000
#define CONNECT_MS 15000
#define SLICE_MS 100

void xf_lock(struct xf_port *port)
{
	pthread_mutex_lock(&port->lock);
	xf_ctrl_patience(port);
}

void xf_unlock(struct xf_port *port)
{
	pthread_mutex_unlock(&port->lock);
}

void xf_begin(struct xf_port *port, bool hurry)
{
	if (hurry)
		__atomic_store_n(&port->hurry, true, __ATOMIC_RELEASE);
	pthread_mutex_lock(&port->life);
	xf_lock(port);
	if (hurry)
		__atomic_store_n(&port->hurry, false, __ATOMIC_RELEASE);
}

void xf_end(struct xf_port *port)
{
	xf_unlock(port);
	pthread_mutex_unlock(&port->life);
}

/* Return: 0, -ETIMEDOUT, or -ECANCELED as somebody is in a hurry */
static int await(struct xf_port *port, enum xf_state state, int limit_ms)
{
	int err = -ETIMEDOUT;

	xf_unlock(port);
	for (; err == -ETIMEDOUT && limit_ms > 0; limit_ms -= SLICE_MS)
		err = __atomic_load_n(&port->hurry, __ATOMIC_ACQUIRE) ?
			      -ECANCELED :
			      xf_store_wait(&port->store, XF_STATE(state), SLICE_MS);
	xf_lock(port);
	return err;
}

static void close_states(struct xf_port *port)
{
	int err;

	xf_unlock(port);
	err = xf_store_end(&port->store);
	xf_lock(port);
	if (err)
		XF_LOG(WARNING, port, "the back end does not close");
}

int xf_take(struct xf_port *port)
{
	const struct xf_store *s = &port->store;
	enum xf_state front = xf_store_front_state(s), back = xf_store_back_state(s);
	int err;

	if (front != XF_INITIALISING && front != XF_CLOSED && front != XF_UNKNOWN)
		close_states(port);
	xf_store_remove_stale(s, XBT_NULL);
	if (front != XF_INITIALISING || back == XF_CLOSED)
		xf_store_set_state(s, XF_INITIALISING);
	err = await(port, XF_INIT_WAIT, OFFER_MS);
	if (err == -ETIMEDOUT)
		XF_TELL(port,
			"the back end (%s) stays in state %u, wanted 2 (InitWait): does it run?",
			s->back, xf_store_back_state(s));
	if (err)
		return err;
	xf_store_offer(s, &port->offer);
	xf_store_mark(&port->store);
	if (!port->offer.rx_copy) {
		XF_TELL(port, "the back end does not copy (feature-rx-copy)");
		return -EOPNOTSUPP;
	}
	return 0;
}

struct keys {
	const struct xf_store *s;
	xs_transaction_t t;
	int err;
};

static void put(struct keys *k, const char *prefix, const char *key, uint32_t value)
{
	char path[64];

	snprintf(path, sizeof(path), "%s%s", prefix, key);
	if (!k->err)
		k->err = xf_store_put(k->s, k->t, path, value);
}

static void put_queue(struct keys *k, const struct xf_queue *q, bool many)
{
	char prefix[16] = "";

	if (many)
		snprintf(prefix, sizeof(prefix), "queue-%u/", q->index);
	put(k, prefix, "tx-ring-ref", q->rings->page[0].ref);
	put(k, prefix, "rx-ring-ref", q->rings->page[1].ref);
	if (q->tx_port == q->rx_port) {
		put(k, prefix, "event-channel", (uint32_t)q->rx_port);
		return;
	}
	put(k, prefix, "event-channel-tx", (uint32_t)q->tx_port);
	put(k, prefix, "event-channel-rx", (uint32_t)q->rx_port);
}

/* What the application's configuration lets us receive */
static void put_features(struct keys *k, const struct xf_port *port)
{
	uint64_t rx = port->dev->data->dev_conf.rxmode.offloads;
	bool lro = rx & RTE_ETH_RX_OFFLOAD_TCP_LRO;
	bool csum = lro || rx & (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);

	put(k, "", "request-rx-copy", 1);
	put(k, "", "feature-rx-notify", 1);
	put(k, "", "feature-sg", lro || rx & RTE_ETH_RX_OFFLOAD_SCATTER);
	put(k, "", "feature-gso-tcpv4", lro);
	put(k, "", "feature-gso-tcpv6", lro);
	put(k, "", "feature-no-csum-offload", !csum);
	put(k, "", "feature-ipv6-csum-offload", csum);
	put(k, "", "request-multicast-control", xf_groups_filter(port));
	if (port->args.headroom && port->offer.headroom)
		put(k, "", "xdp-headroom", port->args.headroom);
}

static int publish_once(const struct xf_port *port)
{
	struct keys k = { .s = &port->store, .t = xs_transaction_start(port->store.xs) };

	if (!k.t)
		return -errno;
	xf_store_remove_stale(&port->store, k.t);
	if (port->offer.queues_key)
		put(&k, "", "multi-queue-num-queues", port->nr_queues);
	for (uint32_t i = 0; i < port->nr_queues; i++)
		put_queue(&k, &port->queue[i], port->nr_queues > 1);
	if (port->ctrl.usable) {
		put(&k, "", "ctrl-ring-ref", port->ctrl.pages->page[0].ref);
		put(&k, "", "event-channel-ctrl", (uint32_t)port->ctrl.port);
	}
	put_features(&k, port);
	if (k.err) {
		xs_transaction_end(port->store.xs, k.t, true);
		return k.err;
	}
	return xs_transaction_end(port->store.xs, k.t, false) ? 0 : -errno;
}

static int publish(const struct xf_port *port)
{
	int err;

	do {
		err = publish_once(port);
	} while (err == -EAGAIN);
	return err ? err : xf_store_set_state(&port->store, XF_CONNECTED);
}

/* What the back end is told before it gets the first buffer, so that no frame escapes a rule */
static void settle_first(struct xf_port *port)
{
	if (port->flows.first || port->flows.isolated)
		xf_record_await(port);
	if (!port->record.have && !xf_record_read(port))
		xf_static_add(port);
	xf_record_publish(port);
	xf_flows_restore(port);
}

/* All else that it is told after both are Connected; none of it is worth the connection */
static void settle(struct xf_port *port)
{
	int err;

	err = xf_rss_apply(port);
	if (err)
		XF_LOG(WARNING, port, "RSS is off: %s", strerror(-err));
	port->groups.told = 0;
	if (xf_groups_apply(port))
		XF_LOG(WARNING, port, "the back end was not told all multicast groups");
}

/* All or none. Return: 0 or -errno, *@failed is the queue that it comes from */
static int connect_pairs(struct xf_port *port, uint32_t spare, uint32_t *failed)
{
	int err = 0;

	for (uint32_t i = 0; i < port->nr_queues && !err; i++) {
		*failed = i;
		err = xf_queue_connect(port, i, spare);
	}
	for (uint32_t i = 0; err && i < *failed; i++)
		xf_queue_disconnect(&port->queue[i]);
	return err;
}

/* Where grants are short queues are worth more than pages to lend, of which each has as many as the others */
static int connect_queues(struct xf_port *port)
{
	uint32_t spare = port->args.spare, queue;
	int err = connect_pairs(port, spare, &queue);

	while (err == -ENOSPC && spare) {
		spare /= 2;
		err = connect_pairs(port, spare, &queue);
	}
	if (err == -ENOSPC)
		XF_TELL(port,
			"queue %u: no grants left: raise /sys/module/xen_gntalloc/parameters/limit, "
			"or use fewer queues or descriptors",
			queue);
	else if (err)
		XF_TELL(port, "queue %u: %s", queue, strerror(-err));
	else if (spare < port->args.spare)
		XF_LOG(NOTICE, port, "each queue has %u pages to lend, not %u; the rest is copied",
		       spare, port->args.spare);
	if (!err && port->offer.ctrl && port->args.ctrl && xf_ctrl_connect(port))
		XF_LOG(WARNING, port, "there is no control ring");
	return err;
}

int xf_connect(struct xf_port *port)
{
	int err = connect_queues(port);

	if (!err)
		err = publish(port);
	if (!err)
		err = await(port, XF_CONNECTED, CONNECT_MS);
	if (err) {
		XF_TELL(port, "cannot connect: %s; the back end's state is %u", strerror(-err),
			xf_store_back_state(&port->store));
		xf_disconnect(port, true);
		return err;
	}
	port->connected = true;
	port->connects++;
	port->carrier = xf_store_number(&port->store, port->store.back, "carrier", 1);
	xf_pools_grant(port);
	settle_first(port);
	for (uint32_t i = 0; i < port->nr_queues; i++)
		xf_queue_start(&port->queue[i]);
	settle(port);
	return 0;
}

void xf_disconnect(struct xf_port *port, bool polite)
{
	port->connected = port->ctrl.usable = false;
	xf_flows_lost(port);
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		xf_queue_quiet(&port->queue[i]);
	if (!xf_resumed(port) && polite) {
		close_states(port);
		xf_store_remove_stale(&port->store, XBT_NULL);
	}
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		xf_queue_disconnect(&port->queue[i]);
	xf_ctrl_disconnect(port);
	xf_record_forget(port);
	xf_shares_reap(&port->retired);
}
