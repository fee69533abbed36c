// SPDX-License-Identifier: GPL-2.0
/*
 * `ip link set PF vf N ...`: the netdev's operations on VFs. Each is a message to
 * the host, which answers what is in force. Everything here is under rtnl.
 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>

#include "pf_rule.h"
#include "pf_state.h"

/* The netdev has its PF's copy of the operations while it is a PF. */
static struct vifront_pf *ndo_pf(const struct net_device *dev)
{
	return container_of(dev->netdev_ops, struct vifront_pf, ops);
}

/* What Linux's ip shows for the host's reason. */
static int ndo_error(u32 reason)
{
	switch (reason) {
	case VIFVPF_REASON_PARKED:
		return -ENOENT;
	case VIFVPF_REASON_ATTRIBUTE:
		return -EOPNOTSUPP;
	case VIFVPF_REASON_PROTOCOL:
		return -EPROTONOSUPPORT;
	case VIFVPF_REASON_POLICY:
		return -EPERM;
	case VIFVPF_REASON_TAKEN:
		return -EADDRINUSE;
	case VIFVPF_REASON_GONE:
		return -ENODEV;
	case VIFVPF_REASON_PAGE:
		return -EFAULT;
	}
	return -EINVAL;
}

static int ndo_call(struct vifront_pf *pf, u16 type, u32 d0, u32 d1, u32 d2)
{
	u32 reason = VIFVPF_REASON_NONE;
	int rc = vifront_ctrl_call(pf->fe, type, d0, d1, d2, &reason);

	return rc == -EINVAL ? ndo_error(reason) : rc;
}

static int ndo_check(const struct vifront_pf *pf, int vf)
{
	if (vf < 0 || vf >= pf->vfs.nr)
		return -EINVAL;
	return vf < pf->wanted ? 0 : -ENOENT;
}

static int ndo_set(struct net_device *dev, int vf, u32 attr, u32 d1, u32 d2)
{
	struct vifront_pf *pf = ndo_pf(dev);
	int rc = ndo_check(pf, vf);

	if (rc)
		return rc;
	pf->asked = false;
	pf->vf[vf].known = false;
	rc = ndo_call(pf, VIFVPF_CTRL_SET, VIFVPF_SET(vf, attr), d1, d2);
	if (rc)
		return rc;
	pf->vf[vf].set |= BIT(attr);
	pf->vf[vf].value[attr][0] = d1;
	pf->vf[vf].value[attr][1] = d2;
	return 0;
}

/* Return: how many VFs from @first on the host has told about, or -errno */
static int ndo_ask_from(struct vifront_pf *pf, unsigned int first, struct vifvpf_state *states)
{
	u32 most = min(pf->wanted - first, VIFVPF_STATES_MAX), nr = 0, i;
	int rc;

	rc = vifront_ctrl_ask_page(pf->fe, VIFVPF_CTRL_QUERY, first, states,
				   most * sizeof(*states), &nr);
	if (rc)
		return rc == -EINVAL ? ndo_error(nr) : rc;
	rc = pf_states_check(states, nr, most);
	if (rc)
		return rc;
	for (i = 0; i < nr; i++) {
		pf->vf[first + i].state = states[i];
		pf->vf[first + i].known = true;
	}
	return nr;
}

/*
 * `ip link` asks twice for each VF, and the host answers only so many messages a
 * second. So one message asks for all VFs, and its answer is used for 50 ms, and
 * as long again as the host took, but not after something was set.
 */
static int ndo_ask(struct vifront_pf *pf)
{
	struct vifvpf_state *states;
	unsigned long start = jiffies;
	unsigned int first = 0;
	int rc = 0;

	states = kmalloc_array(VIFVPF_STATES_MAX, sizeof(*states), GFP_KERNEL);
	if (!states)
		return -ENOMEM;
	while (first < pf->wanted) {
		rc = ndo_ask_from(pf, first, states);
		if (rc < 0)
			break;
		first += rc;
	}
	kfree(states);
	pf->asked = true;
	pf->until = jiffies + HZ / 20 + min_t(unsigned long, jiffies - start, HZ);
	return min(rc, 0);
}

/* While the host does not answer, what it said last is what is known, if nothing was set since. */
static int ndo_state(struct vifront_pf *pf, int vf, struct vifvpf_state *state)
{
	int rc = ndo_check(pf, vf);

	if (rc)
		return rc;
	if (!pf->asked || time_after_eq(jiffies, pf->until))
		rc = ndo_ask(pf);
	if (!pf->vf[vf].known || (rc && rc != -ETIMEDOUT && rc != -EOPNOTSUPP))
		return rc ? rc : -ENODATA;
	if (pf->vf[vf].state.gone)
		return -ENODEV;
	*state = pf->vf[vf].state;
	return 0;
}

static bool ndo_is_vf(const struct net_device *dev, const struct vifront_pf *pf, int vf)
{
	struct device *parent = dev->dev.parent;
	struct pci_dev *pdev;

	if (!parent || !dev_is_pci(parent))
		return false;
	pdev = to_pci_dev(parent);
	return pdev->bus == pf->bus && pdev->is_virtfn && pci_iov_vf_id(pdev) == vf;
}

/* Return: the VF's netdev, in whichever namespace it is, or NULL. rtnl keeps it. */
static struct net_device *ndo_vf_netdev(const struct vifront_pf *pf, int vf)
{
	struct net_device *dev, *found = NULL;
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net)
		for_each_netdev(net, dev)
			if (ndo_is_vf(dev, pf, vf))
				found = dev;
	up_read(&net_rwsem);
	return found;
}

/* The VF sends from the address that it was given, as a NIC's VF would after its next reset. */
static int ndo_set_mac(struct net_device *dev, int vf, u8 *mac)
{
	struct net_device *vf_dev;
	int rc;

	if (!is_valid_ether_addr(mac))
		return -EINVAL;
	rc = ndo_set(dev, vf, VIFVPF_ATTR_MAC, VIFVPF_MAC_HIGH(mac), VIFVPF_MAC_LOW(mac));
	if (rc)
		return rc;
	vf_dev = ndo_vf_netdev(ndo_pf(dev), vf);
	if (vf_dev && vifront_compat_set_mac(vf_dev, mac))
		netdev_warn(vf_dev, "the address %pM of the PF was not set\n", mac);
	return 0;
}

static int ndo_set_vlan(struct net_device *dev, int vf, u16 vlan, u8 priority, __be16 type)
{
	return ndo_set(dev, vf, VIFVPF_ATTR_VLAN, vlan | (u32)priority << 16, ntohs(type));
}

static int ndo_set_rate(struct net_device *dev, int vf, int least, int most)
{
	return ndo_set(dev, vf, VIFVPF_ATTR_RATE, least, most);
}

static int ndo_set_spoofchk(struct net_device *dev, int vf, bool on)
{
	return ndo_set(dev, vf, VIFVPF_ATTR_SPOOFCHK, on, 0);
}

static int ndo_set_trust(struct net_device *dev, int vf, bool on)
{
	return ndo_set(dev, vf, VIFVPF_ATTR_TRUST, on, 0);
}

static int ndo_set_link(struct net_device *dev, int vf, int link)
{
	BUILD_BUG_ON(VIFVPF_LINK_ENABLE != IFLA_VF_LINK_STATE_ENABLE);
	BUILD_BUG_ON(VIFVPF_LINK_DISABLE != IFLA_VF_LINK_STATE_DISABLE);
	return ndo_set(dev, vf, VIFVPF_ATTR_LINK, link, 0);
}

static int ndo_get_config(struct net_device *dev, int vf, struct ifla_vf_info *info)
{
	struct vifvpf_state state;
	int rc = ndo_state(ndo_pf(dev), vf, &state);

	if (rc)
		return rc;
	memset(info, 0, sizeof(*info));
	info->vf = vf;
	memcpy(info->mac, state.mac, ETH_ALEN);
	info->vlan = state.vlan;
	info->qos = state.priority;
	info->vlan_proto = htons(VIFVPF_VLAN_TYPE);
	info->spoofchk = state.spoofchk;
	info->trusted = state.trust;
	info->linkstate = state.link;
	info->min_tx_rate = state.rate_min;
	info->max_tx_rate = state.rate_max;
	return 0;
}

/* In the kernel's words, too, tx is what the VF sends. */
static int ndo_get_stats(struct net_device *dev, int vf, struct ifla_vf_stats *stats)
{
	struct vifvpf_state state;
	int rc = ndo_state(ndo_pf(dev), vf, &state);

	if (rc)
		return rc;
	stats->rx_packets = state.rx_frames;
	stats->tx_packets = state.tx_frames;
	stats->rx_bytes = state.rx_bytes;
	stats->tx_bytes = state.tx_bytes;
	stats->broadcast = state.broadcast;
	stats->multicast = state.multicast;
	stats->rx_dropped = state.rx_dropped;
	stats->tx_dropped = state.tx_dropped;
	return 0;
}

static int ndo_switch(struct net_device *dev, struct netdev_phys_item_id *id)
{
	return pf_eswitch_id(ndo_pf(dev), id);
}

/* @pf's copy of its netdev's operations, with those on VFs */
void pf_ndo_init(struct vifront_pf *pf)
{
	pf->own_ops = pf->fe->netdev->netdev_ops;
	pf->ops = *pf->own_ops;
	pf->ops.ndo_set_vf_mac = ndo_set_mac;
	pf->ops.ndo_set_vf_vlan = ndo_set_vlan;
	pf->ops.ndo_set_vf_rate = ndo_set_rate;
	pf->ops.ndo_set_vf_spoofchk = ndo_set_spoofchk;
	pf->ops.ndo_set_vf_trust = ndo_set_trust;
	pf->ops.ndo_set_vf_link_state = ndo_set_link;
	pf->ops.ndo_get_vf_config = ndo_get_config;
	pf->ops.ndo_get_vf_stats = ndo_get_stats;
	pf->ops.ndo_get_port_parent_id = ndo_switch;
}

/**
 * pf_want() - Ask the host for VFs
 * @pf: PF
 * @nr: How many; the others lose what they were set to
 *
 * Return: 0 or -errno
 */
int pf_want(struct vifront_pf *pf, unsigned int nr)
{
	int rc = ndo_call(pf, VIFVPF_CTRL_ENABLE, nr, 0, 0);
	unsigned int i;

	if (rc && nr)
		return rc;
	for (i = nr; i < pf->vfs.nr; i++)
		memset(&pf->vf[i], 0, sizeof(pf->vf[i]));
	pf->wanted = nr;
	pf->asked = false;
	pf->connection = pf->fe->connection;
	return rc;
}

/* A host that has just got the guest, with all its interfaces, may be slow; to repeat does no harm. */
static int ndo_call_again(struct vifront_pf *pf, u16 type, u32 d0, u32 d1, u32 d2)
{
	int rc, tries = 0;

	do
		rc = ndo_call(pf, type, d0, d1, d2);
	while (rc == -ETIMEDOUT && ++tries < 3);
	return rc;
}

static void ndo_restore_vf(struct vifront_pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];
	u32 attr;
	int rc;

	for (attr = 0; attr < PF_ATTRS; attr++) {
		if (!(v->set & BIT(attr)))
			continue;
		rc = ndo_call_again(pf, VIFVPF_CTRL_SET, VIFVPF_SET(vf, attr), v->value[attr][0],
				    v->value[attr][1]);
		if (rc)
			netdev_warn(pf->fe->netdev, "the host refuses attribute %u of VF %u: error %d\n",
				    attr, vf, rc);
	}
}

/* The PF has connected again, perhaps to another host: tells it what was set. */
void pf_restore(struct vifront_pf *pf)
{
	unsigned int i;
	int rc = 0;

	pf->asked = false;
	if (pf->wanted)
		rc = ndo_call_again(pf, VIFVPF_CTRL_ENABLE, pf->wanted, 0, 0);
	pf->connection = pf->fe->connection;
	if (rc) {
		netdev_warn(pf->fe->netdev, "the host refuses %u VFs: error %d\n", pf->wanted, rc);
		return;
	}
	for (i = 0; i < pf->wanted; i++)
		ndo_restore_vf(pf, i);
	pf_rules_restore(pf);
}
