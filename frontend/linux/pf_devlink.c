// SPDX-License-Identifier: GPL-2.0
/*
 * The PF's devlink device, and its eswitch:
 *
 *   devlink dev eswitch set pci/0000:41:00.0 mode switchdev
 *
 * gives a representor (pf_rep.c) for each VF there is and comes; mode legacy removes
 * them. devlink's lock keeps the mode while the number of VFs changes.
 */
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include "pf_rule.h"

static struct vifront_pf *dl_pf(struct devlink *devlink)
{
	return *(struct vifront_pf **)devlink_priv(devlink);
}

static int dl_mode_get(struct devlink *devlink, u16 *mode)
{
	*mode = dl_pf(devlink)->switchdev ? DEVLINK_ESWITCH_MODE_SWITCHDEV :
					    DEVLINK_ESWITCH_MODE_LEGACY;
	return 0;
}

static int dl_switch(struct vifront_pf *pf, bool on)
{
	int rc = 0;

	rtnl_lock();
	pf->switchdev = on;
	if (on)
		rc = pf_reps_add(pf);
	else
		pf_reps_remove(pf);
	if (rc)
		pf->switchdev = false;
	rtnl_unlock();
	return rc;
}

static int dl_mode_set(struct devlink *devlink, u16 mode, struct netlink_ext_ack *extack)
{
	struct vifront_pf *pf = dl_pf(devlink);
	bool on = mode == DEVLINK_ESWITCH_MODE_SWITCHDEV;

	if (!on && mode != DEVLINK_ESWITCH_MODE_LEGACY) {
		NL_SET_ERR_MSG_MOD(extack, "there are the modes legacy and switchdev only");
		return -EOPNOTSUPP;
	}
	if (on == pf->switchdev)
		return 0;
	if (on && !pf_rules_offered(pf)) {
		NL_SET_ERR_MSG_MOD(extack, "the host takes no rules for what a VF sends, so only legacy mode works");
		return -EOPNOTSUPP;
	}
	return dl_switch(pf, on);
}

static const struct devlink_ops dl_ops = {
	.eswitch_mode_get = dl_mode_get,
	.eswitch_mode_set = dl_mode_set,
};

/* The mode stays what it is. Without a devlink device it is legacy. */
void pf_eswitch_lock(struct vifront_pf *pf)
{
	if (pf->devlink)
		devl_lock(pf->devlink);
}

void pf_eswitch_unlock(struct vifront_pf *pf)
{
	if (pf->devlink)
		devl_unlock(pf->devlink);
}

/* VFs were made; within the lock. */
void pf_eswitch_enabled(struct vifront_pf *pf)
{
	int rc = 0;

	rtnl_lock();
	if (pf->switchdev)
		rc = pf_reps_add(pf);
	rtnl_unlock();
	if (rc)
		netdev_warn(pf->fe->netdev, "no representors: error %d\n", rc);
}

/* VFs are about to be removed; within the lock. */
void pf_eswitch_disabled(struct vifront_pf *pf)
{
	rtnl_lock();
	pf_reps_remove(pf);
	rtnl_unlock();
}

/* A PF without it works. */
void pf_devlink_add(struct vifront_pf *pf)
{
	struct devlink *devlink = devlink_alloc(&dl_ops, sizeof(pf), &pf->pdev->dev);

	pf_reps_init(pf);
	if (!devlink) {
		netdev_warn(pf->fe->netdev, "no devlink device for %s\n", pci_name(pf->pdev));
		return;
	}
	*(struct vifront_pf **)devlink_priv(devlink) = pf;
	pf->devlink = devlink;
	devlink_register(devlink);
}

/* There are no VFs any more. */
void pf_devlink_remove(struct vifront_pf *pf)
{
	if (!pf->devlink)
		return;
	devlink_unregister(pf->devlink);
	devlink_free(pf->devlink);
	pf->devlink = NULL;
	pf->switchdev = false;
}
