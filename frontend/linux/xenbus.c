// SPDX-License-Identifier: GPL-2.0
/*
 * The xenbus states: when to connect to the back end and when to disconnect.
 *
 *   back end InitWait   -> connect (rings, grants, event channels, keys), Connected
 *   back end Connected  -> connected_work, which uses the control ring
 *   back end Closing    -> Closed; rings stay until remove, reset or connect
 *   back end InitWait after that (it was restarted) -> connect again
 *
 * A watch is never unregistered under rtnl, for which its callback may be
 * waiting. Only vifront_otherend_changed() changes the watches, and stop when
 * nobody calls that any more. A reset keeps them: the back end may already
 * answer it before it returns.
 */
#include <linux/delay.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "vifront.h"

/* How long to wait for a change of the back end's state, in steps of 20 ms. */
#define CLOSE_STEPS 300

/* Connects as many queues as memory, grants and the back end allow, but at least one. */
static int xb_connect_queues(struct vifront *fe)
{
	unsigned int want = min(fe->be.max_queues, fe->max_queues), i;
	int rc = 0;

	for (i = 0; i < want; i++) {
		rc = vifront_queue_connect(&fe->queues[i], fe->be.split_event_channels);
		if (rc)
			break;
	}
	if (!i)
		return rc;
	if (i < want)
		dev_warn(&fe->xbdev->dev, "only %u of %u queues connected: error %d\n", i, want, rc);
	fe->nr_queues = i;
	return 0;
}

/**
 * vifront_disconnect() - Free everything that is shared with the back end
 * @fe: Interface, connected or not
 *
 * Process context under rtnl, sleeps. Frames in flight are dropped.
 */
void vifront_disconnect(struct vifront *fe)
{
	unsigned int i;

	WRITE_ONCE(fe->attached, false);
	netif_carrier_off(fe->netdev);
	netif_tx_disable(fe->netdev); /* no transmission after this point */
	vifront_cap_disconnect(fe);
	vifront_rss_disconnect(fe);
	vifront_flow_disconnect(fe);
	for (i = 0; i < fe->max_queues; i++) {
		vifront_queue_disable(&fe->queues[i]);
		vifront_queue_disconnect(&fe->queues[i]);
	}
	vifront_ctrl_disconnect(fe);
	fe->nr_queues = 0;
	fe->mcast_filter = false;
	fe->nr_mcast = 0;
}

static void xb_attach(struct vifront *fe)
{
	unsigned int i;

	WRITE_ONCE(fe->broken, false);
	WRITE_ONCE(fe->attached, true);
	fe->connection++;
	vifront_rss_set_queues(fe, fe->nr_queues);
	netdev_update_features(fe->netdev);
	if (netif_running(fe->netdev))
		for (i = 0; i < fe->nr_queues; i++)
			vifront_queue_enable(&fe->queues[i]);
	netif_tx_wake_all_queues(fe->netdev);
	vifront_cap_update_carrier(fe);
}

static int xb_connect_locked(struct vifront *fe)
{
	int rc;

	vifront_disconnect(fe);
	rc = xb_connect_queues(fe);
	if (rc)
		return rc;
	if (fe->be.ctrl_ring && vifront_ctrl_connect(fe))
		dev_warn(&fe->xbdev->dev, "cannot set up the control ring\n");
	rc = vifront_xenstore_publish(fe);
	if (rc) {
		vifront_disconnect(fe);
		return rc;
	}
	xb_attach(fe);
	return 0;
}

static void xb_carrier_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	vifront_cap_update_carrier(container_of(watch, struct vifront, carrier_watch));
}

static void xb_unwatch(struct xenbus_watch *watch, bool *watching)
{
	if (*watching)
		unregister_xenbus_watch(watch);
	*watching = false;
	kfree(watch->node);
	watch->node = NULL;
}

/* The path may differ after migration, so each connection registers its watches again. */
static void xb_watch(struct vifront *fe, struct xenbus_watch *watch, bool *watching,
		     const char *key)
{
	xb_unwatch(watch, watching);
	watch->node = kasprintf(GFP_KERNEL, "%s/%s", fe->xbdev->otherend, key);
	if (watch->node && !register_xenbus_watch(watch))
		*watching = true;
}

/* Connects to a back end in InitWait; takes rtnl. The caller switches the state. */
static int xb_connect(struct vifront *fe)
{
	int rc;

	rc = vifront_xenstore_read(fe);
	if (rc)
		return rc;
	rtnl_lock();
	rc = xb_connect_locked(fe);
	rtnl_unlock();
	if (rc)
		return rc;
	fe->carrier_watch.callback = xb_carrier_changed;
	xb_watch(fe, &fe->carrier_watch, &fe->carrier_watching, "carrier");
	xb_watch(fe, &fe->cap.watch, &fe->cap.watching, VIFCAP_NODE);
	return 0;
}

static bool xb_wait_backend(struct vifront *fe, unsigned int states)
{
	enum xenbus_state state;
	unsigned int i;

	for (i = 0; i < CLOSE_STEPS; i++) {
		state = vifront_compat_backend_state(fe->xbdev);
		if (state == XenbusStateUnknown || states & BIT(state))
			return true;
		msleep(20);
	}
	return false;
}

/**
 * vifront_close() - Close the connection, so that the back end unmaps our pages
 * @fe: Interface
 *
 * Process context without rtnl. Sleeps until the back end has closed as well,
 * for at most 6 s in each of the two steps; logs a back end that does not.
 */
void vifront_close(struct vifront *fe)
{
	bool ok;

	xenbus_switch_state(fe->xbdev, XenbusStateClosing);
	ok = xb_wait_backend(fe, BIT(XenbusStateClosing) | BIT(XenbusStateClosed));
	xenbus_switch_state(fe->xbdev, XenbusStateClosed);
	ok = ok && xb_wait_backend(fe, BIT(XenbusStateClosed) | BIT(XenbusStateInitWait));
	if (!ok)
		dev_warn(&fe->xbdev->dev, "the back end does not close\n");
	vifront_xenstore_remove(fe);
}

/* At remove, when the xenwatch thread no longer calls vifront_otherend_changed(). */
void vifront_unwatch(struct vifront *fe)
{
	xb_unwatch(&fe->carrier_watch, &fe->carrier_watching);
	xb_unwatch(&fe->cap.watch, &fe->cap.watching);
}

/**
 * vifront_reset() - Close the connection and ask for a new one
 * @fe: Interface
 *
 * Process context without rtnl, not the xenwatch thread. The device connects
 * when the back end is in InitWait again.
 *
 * Return: 0 or -errno
 */
int vifront_reset(struct vifront *fe)
{
	fe->resets++;
	vifront_close(fe);
	rtnl_lock();
	vifront_disconnect(fe);
	rtnl_unlock();
	return xenbus_switch_state(fe->xbdev, XenbusStateInitialising);
}

static void xb_backend_init_wait(struct vifront *fe)
{
	struct xenbus_device *dev = fe->xbdev;
	int rc;

	if (dev->state == XenbusStateClosed)
		xenbus_switch_state(dev, XenbusStateInitialising);
	if (dev->state != XenbusStateInitialising)
		return;
	rc = xb_connect(fe);
	if (rc)
		xenbus_dev_fatal(dev, rc, "cannot connect");
	else
		xenbus_switch_state(dev, XenbusStateConnected);
}

static void xb_backend_closing(struct vifront *fe)
{
	struct xenbus_device *dev = fe->xbdev;

	if (dev->state == XenbusStateClosed || dev->state == XenbusStateInitialising)
		return; /* the end of an earlier connection */
	netif_carrier_off(fe->netdev);
	xenbus_frontend_closed(dev);
}

/* xenwatch thread, or whoever has just started the interface; one at a time */
void vifront_otherend_changed(struct vifront *fe, enum xenbus_state state)
{
	switch (state) {
	case XenbusStateInitWait:
		xb_backend_init_wait(fe);
		break;
	case XenbusStateConnected:
		netdev_notify_peers(fe->netdev);
		schedule_work(&fe->connected_work);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
		xb_backend_closing(fe);
		break;
	default:
		break;
	}
}
