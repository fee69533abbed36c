// SPDX-License-Identifier: GPL-2.0
/*
 * The PF's devlink device. It has one eswitch mode:
 *
 *   devlink dev eswitch show pci/0000:41:00.0
 */
#include <net/devlink.h>

#include "pf.h"

static int dl_mode_get(struct devlink *devlink, u16 *mode)
{
	*mode = DEVLINK_ESWITCH_MODE_LEGACY;
	return 0;
}

/*
 * The host's flow rules (../../common/flow.h) are about frames to an interface. In
 * switchdev mode, rules about what a VF sends and a way for frames that match none
 * to its representor are needed as well.
 */
static int dl_mode_set(struct devlink *devlink, u16 mode, struct netlink_ext_ack *extack)
{
	if (mode == DEVLINK_ESWITCH_MODE_LEGACY)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "the host has no flow rules for what a VF sends, so only legacy mode works");
	return -EOPNOTSUPP;
}

static const struct devlink_ops dl_ops = {
	.eswitch_mode_get = dl_mode_get,
	.eswitch_mode_set = dl_mode_set,
};

/* A PF without it works. */
void pf_devlink_add(struct vifront_pf *pf)
{
	pf->devlink = devlink_alloc(&dl_ops, 0, &pf->pdev->dev);
	if (pf->devlink)
		devlink_register(pf->devlink);
	else
		netdev_warn(pf->fe->netdev, "no devlink device for %s\n", pci_name(pf->pdev));
}

void pf_devlink_remove(struct vifront_pf *pf)
{
	if (!pf->devlink)
		return;
	devlink_unregister(pf->devlink);
	devlink_free(pf->devlink);
	pf->devlink = NULL;
}
