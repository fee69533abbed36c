// SPDX-License-Identifier: GPL-2.0
/* The vif's keys in xenstore: reads the back end's, writes and removes our own. */
#include <linux/slab.h>

#include "vifront.h"

static bool xs_flag(const struct vifront *fe, const char *key)
{
	return xenbus_read_unsigned(fe->xbdev->otherend, key, 0);
}

/* Reads what the back end offers. Return: 0, or -EOPNOTSUPP if it cannot copy to the guest */
int vifront_xenstore_read(struct vifront *fe)
{
	struct vifront_backend *be = &fe->be;
	netdev_features_t f = 0;

	if (!xs_flag(fe, "feature-rx-copy"))
		return -EOPNOTSUPP;
	be->max_queues = clamp(xenbus_read_unsigned(fe->xbdev->otherend,
						    "multi-queue-max-queues", 1), 1u, 65535u);
	be->split_event_channels = xs_flag(fe, "feature-split-event-channels");
	be->ctrl_ring = xs_flag(fe, "feature-ctrl-ring");
	be->dynamic_multicast = xs_flag(fe, "feature-dynamic-multicast-control");
	if (xs_flag(fe, "feature-sg"))
		f |= NETIF_F_SG;
	if (!xs_flag(fe, "feature-no-csum-offload"))
		f |= NETIF_F_IP_CSUM;
	if (xs_flag(fe, "feature-ipv6-csum-offload"))
		f |= NETIF_F_IPV6_CSUM;
	if (xs_flag(fe, "feature-gso-tcpv4"))
		f |= NETIF_F_TSO;
	if (xs_flag(fe, "feature-gso-tcpv6"))
		f |= NETIF_F_TSO6;
	be->features = f;
	return 0;
}

static int xs_put(struct xenbus_transaction t, const char *dir, const char *key, unsigned int value)
{
	return xenbus_printf(t, dir, key, "%u", value);
}

static int xs_publish_queue(struct xenbus_transaction t, const struct vifront_queue *q,
			    const char *dir)
{
	int rc;

	rc = xs_put(t, dir, "tx-ring-ref", q->tx_ring_ref);
	if (!rc)
		rc = xs_put(t, dir, "rx-ring-ref", q->rx_ring_ref);
	if (rc)
		return rc;
	if (q->tx_irq == q->rx_irq)
		return xs_put(t, dir, "event-channel", q->rx_evtchn);
	rc = xs_put(t, dir, "event-channel-tx", q->tx_evtchn);
	return rc ? rc : xs_put(t, dir, "event-channel-rx", q->rx_evtchn);
}

static int xs_publish_queues(struct xenbus_transaction t, const struct vifront *fe)
{
	const char *node = fe->xbdev->nodename;
	unsigned int i;
	char *dir;
	int rc;

	if (fe->be.max_queues > 1) {
		rc = xs_put(t, node, "multi-queue-num-queues", fe->nr_queues);
		if (rc)
			return rc;
	}
	if (fe->nr_queues == 1)
		return xs_publish_queue(t, &fe->queues[0], node);
	for (i = 0; i < fe->nr_queues; i++) {
		dir = kasprintf(GFP_KERNEL, "%s/queue-%u", node, i);
		if (!dir)
			return -ENOMEM;
		rc = xs_publish_queue(t, &fe->queues[i], dir);
		kfree(dir);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Removes the keys of an earlier connection, by this driver or another. This is
 * done at the end of a connection as well: xen-netfront, if loaded next, leaves
 * keys that it does not know, and the back end would use the stale control ring.
 */
static void xs_remove_stale(struct xenbus_transaction t, const struct vifront *fe)
{
	static const char * const keys[] = {
		"tx-ring-ref", "rx-ring-ref", "event-channel", "event-channel-tx",
		"event-channel-rx", "multi-queue-num-queues", "ctrl-ring-ref",
		"event-channel-ctrl", "request-multicast-control", "xdp-headroom",
		VIFCAP_NODE, VIFCAP_NODE_ACK,
	};
	unsigned int i;
	char dir[16];

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (xenbus_exists(t, fe->xbdev->nodename, keys[i]))
			xenbus_rm(t, fe->xbdev->nodename, keys[i]);
	for (i = 0; i < VIFRONT_QUEUES_MAX; i++) {
		snprintf(dir, sizeof(dir), "queue-%u", i);
		if (!xenbus_exists(t, fe->xbdev->nodename, dir))
			break;
		xenbus_rm(t, fe->xbdev->nodename, dir);
	}
}

static int xs_publish_features(struct xenbus_transaction t, const struct vifront *fe)
{
	static const struct {
		const char *key;
		unsigned int value;
	} keys[] = {
		{ "request-rx-copy", 1 },
		{ "feature-rx-notify", 1 },
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", 1 },
		{ "feature-gso-tcpv6", 1 },
		{ "feature-ipv6-csum-offload", 1 },
		{ "feature-no-csum-offload", 0 },
		{ "request-multicast-control", 0 },
	};
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		rc = xs_put(t, fe->xbdev->nodename, keys[i].key, keys[i].value);
		if (rc)
			return rc;
	}
	if (!fe->ctrl.connected)
		return 0;
	rc = xs_put(t, fe->xbdev->nodename, "ctrl-ring-ref", fe->ctrl.ring_ref);
	return rc ? rc : xs_put(t, fe->xbdev->nodename, "event-channel-ctrl", fe->ctrl.evtchn);
}

/* Writes this connection's rings, event channels and features in one transaction. */
int vifront_xenstore_publish(const struct vifront *fe)
{
	struct xenbus_transaction t;
	int rc;

	do {
		rc = xenbus_transaction_start(&t);
		if (rc)
			return rc;
		xs_remove_stale(t, fe);
		rc = xs_publish_queues(t, fe);
		if (!rc)
			rc = xs_publish_features(t, fe);
		if (rc) {
			xenbus_transaction_end(t, 1);
			return rc;
		}
		rc = xenbus_transaction_end(t, 0);
	} while (rc == -EAGAIN);
	return rc;
}

void vifront_xenstore_remove(const struct vifront *fe)
{
	xs_remove_stale(XBT_NIL, fe);
}
