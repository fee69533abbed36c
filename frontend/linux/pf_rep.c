// SPDX-License-Identifier: GPL-2.0
/*
 * Representors: in switchdev mode, a netdev for each VF, whose filters are rules for
 * what the VF sends.
 *
 * No frame passes them: what no rule matches is switched by the host. So
 * what is sent by one is dropped. They show the VF's link and counters, as the host
 * said last; it is asked every 2 s while one of them is up. Under rtnl, but for that.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "pf_rule.h"
#include "pf_state.h"

#define REP_POLL (2 * HZ)

/**
 * struct pf_rep - a representor
 * @lock:  of @state
 * @state: of the VF
 */
struct pf_rep {
	struct vifront_pf *pf;
	unsigned int vf;
	spinlock_t lock;
	struct vifvpf_state state;
};

static LIST_HEAD(rep_blocks); /* rtnl */

static int rep_open(struct net_device *dev)
{
	const struct pf_rep *rep = netdev_priv(dev);

	mod_delayed_work(system_wq, &rep->pf->poll, 0);
	return 0;
}

static int rep_close(struct net_device *dev)
{
	return 0;
}

static netdev_tx_t rep_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_core_stats_tx_dropped_inc(dev);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/* What a VF sends arrives at its representor, as a switch's port has it. */
static void rep_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct pf_rep *rep = netdev_priv(dev);

	spin_lock_bh(&rep->lock);
	stats->rx_packets = rep->state.tx_frames;
	stats->rx_bytes = rep->state.tx_bytes;
	stats->rx_dropped = rep->state.tx_dropped;
	stats->tx_packets = rep->state.rx_frames;
	stats->tx_bytes = rep->state.rx_bytes;
	stats->tx_dropped = rep->state.rx_dropped;
	spin_unlock_bh(&rep->lock);
}

static int rep_name(struct net_device *dev, char *name, size_t len)
{
	const struct pf_rep *rep = netdev_priv(dev);

	return snprintf(name, len, "pf0vf%u", rep->vf) < len ? 0 : -EINVAL;
}

static int rep_switch(struct net_device *dev, struct netdev_phys_item_id *id)
{
	const struct pf_rep *rep = netdev_priv(dev);

	return pf_eswitch_id(rep->pf, id);
}

static int rep_flower(struct pf_rep *rep, struct flow_cls_offload *cls)
{
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		return pf_rule_replace(rep->pf, rep->vf, cls);
	case FLOW_CLS_DESTROY:
		return pf_rule_destroy(rep->pf, cls);
	case FLOW_CLS_STATS:
		return pf_rule_stats(rep->pf, cls);
	default:
		return -EOPNOTSUPP;
	}
}

static int rep_block(enum tc_setup_type type, void *data, void *priv)
{
	struct flow_cls_offload *cls = data;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	if (cls->common.chain_index)
		return pf_refuse(cls->common.extack, "vifront_pf: can offload chain 0 only");
	return rep_flower(priv, cls);
}

static int rep_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data)
{
	struct pf_rep *rep = netdev_priv(dev);

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(data, &rep_blocks, rep_block, rep, rep, true);
}

static void rep_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	const struct pf_rep *rep = netdev_priv(dev);

	strscpy(info->driver, "vifront_rep", sizeof(info->driver));
	strscpy(info->fw_version, "no slow path", sizeof(info->fw_version));
	strscpy(info->bus_info, pci_name(rep->pf->pdev), sizeof(info->bus_info));
}

static const struct ethtool_ops rep_ethtool = {
	.get_drvinfo = rep_drvinfo,
	.get_link = ethtool_op_get_link,
};

static const struct net_device_ops rep_ops = {
	.ndo_open = rep_open,
	.ndo_stop = rep_close,
	.ndo_start_xmit = rep_xmit,
	.ndo_get_stats64 = rep_stats,
	.ndo_get_phys_port_name = rep_name,
	.ndo_get_port_parent_id = rep_switch,
	.ndo_setup_tc = rep_setup_tc,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void rep_init(struct net_device *dev, struct vifront_pf *pf, unsigned int vf)
{
	struct pf_rep *rep = netdev_priv(dev);

	rep->pf = pf;
	rep->vf = vf;
	spin_lock_init(&rep->lock);
	dev->netdev_ops = &rep_ops;
	dev->ethtool_ops = &rep_ethtool;
	dev->hw_features = NETIF_F_HW_TC;
	dev->features |= NETIF_F_HW_TC;
	dev->needs_free_netdev = true;
	eth_hw_addr_random(dev);
	SET_NETDEV_DEV(dev, &pf->pdev->dev);
}

static int rep_add(struct vifront_pf *pf, unsigned int vf)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct pf_rep));
	int rc;

	if (!dev)
		return -ENOMEM;
	rep_init(dev, pf, vf);
	netif_carrier_off(dev);
	rc = register_netdevice(dev);
	if (rc) {
		free_netdev(dev);
		return rc;
	}
	mutex_lock(&pf->reps_lock);
	pf->rep[vf] = dev;
	mutex_unlock(&pf->reps_lock);
	return 0;
}

/* Of each VF that the guest wants. Return: 0; -errno: there are none then */
int pf_reps_add(struct vifront_pf *pf)
{
	unsigned int vf;
	int rc = 0;

	for (vf = 0; vf < pf->wanted && !rc; vf++)
		rc = rep_add(pf, vf);
	if (rc)
		pf_reps_remove(pf);
	return rc;
}

/* With their rules; none is fine. */
void pf_reps_remove(struct vifront_pf *pf)
{
	struct net_device *gone[VIFVPF_VFS_MAX];
	LIST_HEAD(list);
	unsigned int vf;

	pf_rules_flush(pf);
	mutex_lock(&pf->reps_lock);
	memcpy(gone, pf->rep, sizeof(gone));
	memset(pf->rep, 0, sizeof(pf->rep));
	mutex_unlock(&pf->reps_lock);
	for (vf = 0; vf < VIFVPF_VFS_MAX; vf++)
		if (gone[vf])
			unregister_netdevice_queue(gone[vf], &list);
	unregister_netdevice_many(&list);
	cancel_delayed_work_sync(&pf->poll);
}

/* A VF that is not connected has no link. */
static void rep_set_state(struct net_device *dev, const struct vifvpf_state *state)
{
	struct pf_rep *rep = netdev_priv(dev);

	spin_lock_bh(&rep->lock);
	rep->state = *state;
	spin_unlock_bh(&rep->lock);
	if (state->connected && state->link != VIFVPF_LINK_DISABLE)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

static bool reps_any_up(struct vifront_pf *pf)
{
	unsigned int vf;
	bool any = false;

	mutex_lock(&pf->reps_lock);
	for (vf = 0; vf < VIFVPF_VFS_MAX; vf++)
		any |= pf->rep[vf] && netif_running(pf->rep[vf]);
	mutex_unlock(&pf->reps_lock);
	return any;
}

/* Return: how many VFs from @first on the host has told about, or -errno */
static int reps_ask_from(struct vifront_pf *pf, unsigned int first, struct vifvpf_state *states)
{
	u32 nr = 0, i;
	int rc = vifront_ctrl_ask_page(pf->fe, VIFVPF_CTRL_QUERY, first, states,
				       VIFVPF_STATES_MAX * sizeof(*states), &nr);

	if (!rc)
		rc = pf_states_check(states, nr, min(VIFVPF_STATES_MAX, VIFVPF_VFS_MAX - first));
	if (rc)
		return rc;
	mutex_lock(&pf->reps_lock);
	for (i = 0; i < nr; i++)
		if (pf->rep[first + i])
			rep_set_state(pf->rep[first + i], &states[i]);
	mutex_unlock(&pf->reps_lock);
	return nr;
}

/* While the host has not answered what it was asked before, it is not asked more. */
static void reps_ask(struct vifront_pf *pf)
{
	struct vifvpf_state *states;
	unsigned int first = 0;
	int rc;

	if (vifront_ctrl_waits(pf->fe))
		return;
	states = kmalloc_array(VIFVPF_STATES_MAX, sizeof(*states), GFP_KERNEL);
	if (!states)
		return;
	while (first < READ_ONCE(pf->wanted)) {
		rc = reps_ask_from(pf, first, states);
		if (rc < 0)
			break;
		first += rc;
	}
	kfree(states);
}

static void reps_poll(struct work_struct *work)
{
	struct vifront_pf *pf = container_of(to_delayed_work(work), struct vifront_pf, poll);

	if (!reps_any_up(pf))
		return;
	reps_ask(pf);
	schedule_delayed_work(&pf->poll, REP_POLL);
}

void pf_reps_init(struct vifront_pf *pf)
{
	mutex_init(&pf->reps_lock);
	INIT_LIST_HEAD(&pf->rules);
	INIT_DELAYED_WORK(&pf->poll, reps_poll);
}
