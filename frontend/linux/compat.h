/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between Linux 6.1 and 6.12, and nothing else. */
#ifndef VIFRONT_COMPAT_H
#define VIFRONT_COMPAT_H

#include <linux/version.h>
#include <linux/netdevice.h>

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

/* XDP features are announced since 6.3. */
static inline void vifront_compat_xdp_features(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	dev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			    NETDEV_XDP_ACT_NDO_XMIT;
#endif
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define VIFRONT_RXFH_PARAM 1
#endif

#endif
