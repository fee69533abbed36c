/* SPDX-License-Identifier: GPL-2.0 */
/* Everything that differs between Linux 6.1, 6.12 and 7.3, and nothing else. */
#ifndef VIFRONT_COMPAT_H
#define VIFRONT_COMPAT_H

#include <linux/dim.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/version.h>
#include <net/devlink.h>
#include <xen/xenbus.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/hex.h> /* mac_pton() */
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#include <net/page_pool.h>
#else
#include <net/page_pool/helpers.h>
#endif

static inline int vifront_compat_xdp_generic(struct bpf_prog *prog, struct sk_buff **skb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	return do_xdp_generic(prog, *skb);
#else
	return do_xdp_generic(prog, skb);
#endif
}

/* Drivers announce their XDP features since 6.3. */
static inline void vifront_compat_xdp_features(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	dev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			    NETDEV_XDP_ACT_NDO_XMIT;
#endif
}

static inline void vifront_compat_timer(struct hrtimer *timer,
					enum hrtimer_restart (*run)(struct hrtimer *))
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	timer->function = run;
#else
	hrtimer_setup(timer, run, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
#endif
}

static inline void vifront_compat_dim(struct dim *dim, const struct dim_sample *sample)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	net_dim(dim, *sample);
#else
	net_dim(dim, sample);
#endif
}

static inline enum xenbus_state vifront_compat_backend_state(const struct xenbus_device *dev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return xenbus_read_driver_state(dev->otherend);
#else
	return xenbus_read_driver_state(dev, dev->otherend);
#endif
}

/* Under rtnl. Since 6.16 addresses longer than struct sockaddr are possible. */
static inline int vifront_compat_set_mac(struct net_device *dev, const u8 *mac)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	struct sockaddr address = { .sa_family = dev->type };

	memcpy(address.sa_data, mac, ETH_ALEN);
#else
	struct sockaddr_storage address = { .ss_family = dev->type };

	memcpy(address.__data, mac, ETH_ALEN);
#endif
	return dev_set_mac_address(dev, &address, NULL);
}

/* Since 6.18 the time between two recoveries is in the reporter's ops, not an argument. */
static inline struct devlink_health_reporter *
vifront_compat_reporter(struct devlink *devlink, struct devlink_health_reporter_ops *ops,
			u64 grace_ms, void *priv)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	return devlink_health_reporter_create(devlink, ops, grace_ms, priv);
#else
	ops->default_graceful_period = grace_ms;
	return devlink_health_reporter_create(devlink, ops, priv);
#endif
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define VIFRONT_RXFH_PARAM 1
#endif

/* The number of rx rings has an operation of its own, which was a command of get_rxnfc() before. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define VIFRONT_RX_RING_COUNT 1
#endif

#endif
