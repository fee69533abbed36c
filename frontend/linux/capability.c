// SPDX-License-Identifier: GPL-2.0
/*
 * Capabilities that change under traffic (doc/capability.md).
 *
 * The back end's record is read whenever its node changes. The driver first
 * stops using what was lost, then acknowledges the generation, and then starts
 * using what was gained: the back end emulates a lost offload until the
 * acknowledgement, and must not see a gained one before it. The link stays up
 * throughout.
 *
 * Our own record says what the front end can do and what it requests. It is
 * written at most once a second.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "vif.h"
#include "vifront.h"

/* The words of our record. */
#define CAP_OWN_WORDS (BIT(VIFCAP_WORD_VERSION) | BIT(VIFCAP_WORD_GENERATION) | \
		       BIT(VIFCAP_WORD_MTU) | BIT(VIFCAP_WORD_QUEUES) | \
		       BIT(VIFCAP_WORD_TX_OFFLOADS) | BIT(VIFCAP_WORD_RX_OFFLOADS) | \
		       BIT(VIFCAP_WORD_STATIC_GRANTS) | BIT(VIFCAP_WORD_COALESCE_RX_US) | \
		       BIT(VIFCAP_WORD_COALESCE_RX_FRAMES) | BIT(VIFCAP_WORD_COALESCE_TX_FRAMES) | \
		       BIT(VIFCAP_WORD_FLAGS) | BIT(VIFCAP_WORD_MAC))

static const struct {
	u32 offload;
	netdev_features_t feature;
} cap_offloads[] = {
	{ VIFCAP_CSUM4, NETIF_F_IP_CSUM },
	{ VIFCAP_CSUM6, NETIF_F_IPV6_CSUM },
	{ VIFCAP_GSO4, NETIF_F_TSO },
	{ VIFCAP_GSO6, NETIF_F_TSO6 },
	{ VIFCAP_SG, NETIF_F_SG },
};

/* The tx offloads that the record allows; all of them without a record. */
netdev_features_t vifront_cap_features(const struct vifront *fe)
{
	netdev_features_t f = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cap_offloads); i++)
		if (fe->cap.tx_mask & cap_offloads[i].offload)
			f |= cap_offloads[i].feature;
	return f;
}

static u32 cap_own_offloads(const struct vifront *fe)
{
	u32 offloads = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cap_offloads); i++)
		if (fe->netdev->wanted_features & cap_offloads[i].feature)
			offloads |= cap_offloads[i].offload;
	return offloads;
}

static void cap_fill_own(const struct vifront *fe, struct vifcap *own)
{
	const struct vifront_queue *q = &fe->queues[0];

	memset(own, 0, sizeof(*own)); /* compared as bytes */
	own->present = CAP_OWN_WORDS;
	own->version = VIFCAP_VERSION;
	own->generation = fe->cap.own.generation;
	own->mtu = VIFRONT_MTU_MAX;
	own->queues = fe->nr_queues;
	own->tx_offloads = cap_own_offloads(fe);
	own->rx_offloads = VIFCAP_OFFLOADS_ALL;
	own->static_grants = 2 * VIFRONT_SLOTS;
	own->coalesce_rx_us = q->rx.coalesce_us;
	own->coalesce_rx_frames = q->rx.coalesce_frames;
	own->coalesce_tx_frames = q->tx.coalesce_frames;
	own->flags = fe->cap.requested_flags;
	if (fe->netdev->flags & IFF_PROMISC)
		own->flags |= VIFCAP_FLAG_PROMISC & fe->cap.theirs.flags_allowed;
	memcpy(own->mac, fe->netdev->dev_addr, sizeof(own->mac));
}

static void cap_publish_work(struct work_struct *work)
{
	struct vifront *fe = container_of(to_delayed_work(work), struct vifront, cap.publish);
	struct vifcap own;
	char *text;
	int rc;

	rtnl_lock();
	if (!fe->attached)
		goto out;
	cap_fill_own(fe, &own);
	if (!memcmp(&own, &fe->cap.own, sizeof(own)))
		goto out;
	own.generation = vifcap_next_generation(own.generation);
	text = kmalloc(VIFCAP_TEXT_MAX + 1, GFP_KERNEL);
	if (!text)
		goto out;
	rc = vifcap_format(&own, text, VIFCAP_TEXT_MAX + 1);
	if (rc > 0)
		rc = xenbus_write(XBT_NIL, fe->xbdev->nodename, VIFCAP_NODE, text);
	if (!rc)
		fe->cap.own = own;
	else
		netdev_warn(fe->netdev, "cannot write the capability record: error %d\n", rc);
	kfree(text);
out:
	rtnl_unlock();
}

/* Any context. Writes our record within a second if it changed. */
void vifront_cap_publish(struct vifront *fe)
{
	schedule_delayed_work(&fe->cap.publish, HZ);
}

/**
 * vifront_cap_request_flags() - Ask the back end to change the vif's flags
 * @fe:    Interface
 * @flags: All VIFCAP_FLAG_* that are to be set
 *
 * Under rtnl. The back end's next record has the result.
 *
 * Return: 0; -EOPNOTSUPP if the back end has no flags; -EPERM if it does not
 * allow one of the changes
 */
int vifront_cap_request_flags(struct vifront *fe, u32 flags)
{
	struct vifcap *theirs = &fe->cap.theirs;
	u32 change;

	if (!fe->cap.have || !vifcap_has(theirs, VIFCAP_WORD_FLAGS_ALLOWED))
		return -EOPNOTSUPP;
	change = flags ^ theirs->flags;
	if (change & ~theirs->flags_allowed)
		return -EPERM;
	fe->cap.requested_flags = flags;
	vifront_cap_publish(fe);
	return 0;
}

static void cap_set_offloads(struct vifront *fe, u32 mask)
{
	if (fe->cap.tx_mask == mask)
		return;
	fe->cap.tx_mask = mask;
	netdev_update_features(fe->netdev);
}

/* Lowers the MTU if necessary; raises it later, but never above what the admin had set. */
static void cap_set_mtu(struct vifront *fe, u32 limit)
{
	struct net_device *dev = fe->netdev;

	limit = min_t(u32, limit, VIFRONT_MTU_MAX);
	if (dev->mtu > limit) {
		if (!fe->cap.mtu_before)
			fe->cap.mtu_before = dev->mtu;
		dev_set_mtu(dev, limit);
	}
	dev->max_mtu = limit;
	if (fe->cap.mtu_before && limit > dev->mtu) {
		dev_set_mtu(dev, min_t(u32, limit, fe->cap.mtu_before));
		if (dev->mtu >= fe->cap.mtu_before)
			fe->cap.mtu_before = 0;
	}
}

static void cap_set_queues(struct vifront *fe, unsigned int nr)
{
	nr = clamp(nr, 1u, fe->nr_queues);
	if (nr != fe->netdev->real_num_tx_queues)
		vifront_rss_set_queues(fe, nr);
}

static void cap_set_flows(struct vifront *fe, u32 max)
{
	bool some = fe->cap.flows && max;

	if (fe->cap.flows == max)
		return;
	fe->cap.flows = max;
	if (some)
		vifront_flow_sync(fe); /* more of them may fit now */
	else
		netdev_update_features(fe->netdev); /* switches ntuple */
}

static void cap_set_vlan(struct vifront *fe, bool on)
{
	netdev_features_t f = on ? VIFRONT_TX_FEATURES : 0;

	if (fe->netdev->vlan_features == f)
		return;
	fe->netdev->vlan_features = f;
	netdev_features_change(fe->netdev);
}

/* Fills in the words that a record does not have with what plain netif allows. */
static void cap_fill_defaults(const struct vifront *fe, struct vifcap *cap)
{
	if (!vifcap_has(cap, VIFCAP_WORD_TX_OFFLOADS))
		cap->tx_offloads = VIFCAP_OFFLOADS_ALL;
	if (!vifcap_has(cap, VIFCAP_WORD_MTU))
		cap->mtu = VIFRONT_MTU_MAX;
	if (!vifcap_has(cap, VIFCAP_WORD_QUEUES))
		cap->queues = VIFRONT_QUEUES_MAX;
}

static void cap_lose(struct vifront *fe, const struct vifcap *now)
{
	cap_set_vlan(fe, fe->netdev->vlan_features && (now->features & VIFCAP_FEATURE_VLAN));
	cap_set_offloads(fe, fe->cap.tx_mask & now->tx_offloads);
	cap_set_mtu(fe, min_t(u32, fe->netdev->max_mtu, now->mtu));
	cap_set_queues(fe, min(fe->netdev->real_num_tx_queues, now->queues));
	cap_set_flows(fe, min(fe->cap.flows, now->flows));
	if (!now->static_grants)
		vifront_static_grants_del(fe);
}

static void cap_gain(struct vifront *fe, const struct vifcap *now)
{
	cap_set_offloads(fe, now->tx_offloads);
	cap_set_vlan(fe, now->features & VIFCAP_FEATURE_VLAN);
	cap_set_mtu(fe, now->mtu);
	cap_set_queues(fe, now->queues);
	vifront_flow_check(fe); /* rules of an earlier record */
	cap_set_flows(fe, now->flows);
	if (now->static_grants)
		vifront_static_grants_add(fe);
}

static void cap_log_path(struct vifront *fe, const struct vifcap *old, const struct vifcap *now)
{
	if (now->path == old->path && !strcmp(now->vf, old->vf))
		return;
	fe->cap.path_changes++;
	net_info_ratelimited("%s: now on %s%s, %u Mbit/s\n", fe->netdev->name,
			     now->path == VIFCAP_PATH_VF ? "VF " :
			     now->path == VIFCAP_PATH_SOFTWARE ? "the software path" :
			     "another path",
			     now->path == VIFCAP_PATH_VF ? now->vf : "", now->speed);
}

static void cap_apply(struct vifront *fe, struct vifcap *now)
{
	struct vifcap old = fe->cap.theirs;

	cap_fill_defaults(fe, now);
	cap_lose(fe, now);
	fe->cap.theirs = *now;
	WRITE_ONCE(fe->cap.have, true);
	if (xenbus_printf(XBT_NIL, fe->xbdev->nodename, VIFCAP_NODE_ACK, "%u", now->generation))
		return; /* not acknowledged: use nothing that was gained */
	cap_gain(fe, now);
	cap_log_path(fe, &old, now);
	fe->cap.changes++;
	if (now->flags_allowed != old.flags_allowed)
		vifront_cap_publish(fe);
}

/* Without a record this is plain netif, which may still support static grants. */
static void cap_apply_none(struct vifront *fe)
{
	WRITE_ONCE(fe->cap.have, false);
	cap_set_offloads(fe, VIFCAP_OFFLOADS_ALL);
	cap_set_vlan(fe, false);
	cap_set_mtu(fe, VIFRONT_MTU_MAX);
	cap_set_queues(fe, fe->nr_queues);
	cap_set_flows(fe, 0);
	vifront_static_grants_add(fe);
}

static void cap_read(struct vifront *fe)
{
	struct vifcap now;
	unsigned int len;
	char *text;
	int rc;

	text = xenbus_read(XBT_NIL, fe->xbdev->otherend, VIFCAP_NODE, &len);
	if (IS_ERR(text)) {
		cap_apply_none(fe);
		return;
	}
	rc = vifcap_parse(&now, text, len);
	kfree(text);
	if (rc) {
		fe->cap.refused++;
		net_warn_ratelimited("%s: invalid capability record: error %d\n",
				     fe->netdev->name, rc);
	} else if (!fe->cap.have || now.generation != fe->cap.theirs.generation) {
		cap_apply(fe, &now);
	}
}

/* Context that may sleep. The link is up if the `carrier` key (absent: 1) and the record say so. */
void vifront_cap_update_carrier(struct vifront *fe)
{
	bool up = xenbus_read_unsigned(fe->xbdev->otherend, "carrier", 1);

	if (fe->cap.have && vifcap_has(&fe->cap.theirs, VIFCAP_WORD_LINK))
		up = up && fe->cap.theirs.link;
	if (READ_ONCE(fe->attached) && !READ_ONCE(fe->broken) && up)
		netif_carrier_on(fe->netdev);
	else
		netif_carrier_off(fe->netdev);
}

/* A back end that closes removes its record, which does not mean that the vif has none. */
static bool cap_both_connected(const struct vifront *fe)
{
	return fe->xbdev->state == XenbusStateConnected &&
	       vifront_compat_backend_state(fe->xbdev) == XenbusStateConnected;
}

static void cap_work(struct work_struct *work)
{
	struct vifront *fe = container_of(work, struct vifront, cap.work);

	rtnl_lock();
	/* before that, neither the control ring nor an acknowledgement works */
	if (fe->attached && fe->cap.ready && cap_both_connected(fe))
		cap_read(fe);
	rtnl_unlock();
	vifront_cap_update_carrier(fe);
	if (!fe->virtual_vf) /* those are stopped while vifront_pf is at work */
		vifront_pf_changed(fe);
}

static void cap_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	schedule_work(&container_of(watch, struct vifront, cap.watch)->cap.work);
}

void vifront_cap_init(struct vifront *fe)
{
	INIT_WORK(&fe->cap.work, cap_work);
	INIT_DELAYED_WORK(&fe->cap.publish, cap_publish_work);
	fe->cap.watch.callback = cap_changed;
	fe->cap.tx_mask = VIFCAP_OFFLOADS_ALL;
}

/* The back end is Connected. Under rtnl. */
void vifront_cap_connected(struct vifront *fe)
{
	fe->cap.ready = true;
	schedule_work(&fe->cap.work);
	mod_delayed_work(system_wq, &fe->cap.publish, 0);
}

/* Forgets this back end's record: the next one may differ. Under rtnl. */
void vifront_cap_disconnect(struct vifront *fe)
{
	fe->cap.ready = false;
	WRITE_ONCE(fe->cap.have, false);
	memset(&fe->cap.theirs, 0, sizeof(fe->cap.theirs));
	fe->cap.tx_mask = VIFCAP_OFFLOADS_ALL;
	fe->cap.flows = 0;
	fe->cap.own.present = 0; /* differs from any record, so the next one is written */
}
