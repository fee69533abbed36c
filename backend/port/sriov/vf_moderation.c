/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt moderation of a VF's netdev, and what it was before; see vf_port.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "keep.h"
#include "vf_port.h"

static void moderation_file(const struct vf *vf, char name[KEEP_NAME_MAX])
{
	snprintf(name, KEEP_NAME_MAX, "rx-us-%.16s", vf->info.pci);
}

void vf_moderation_forget(const struct vf *vf)
{
	char name[KEEP_NAME_MAX];

	moderation_file(vf, name);
	keep_forget(name);
}

/* A vifd that was killed left its own value. */
void vf_moderation_start(struct vf *vf)
{
	char name[KEEP_NAME_MAX];

	moderation_file(vf, name);
	vf->moderated = keep_load(name, &vf->moderation, sizeof(vf->moderation));
	vf_moderation_end(vf, vf->info.netdev);
}

/* Unless somebody else has set another meanwhile. */
void vf_moderation_end(struct vf *vf, const char *netdev)
{
	struct netdev_moderation now;

	if (!vf->moderated)
		return;
	if (!netdev_get_moderation(netdev, &now) && now.us == vf->moderation.now.us &&
	    now.adaptive == vf->moderation.now.adaptive)
		netdev_set_moderation(netdev, &vf->moderation.before);
	vf->moderated = false;
	vf_moderation_forget(vf);
}

/* What the driver made of it is kept, too: that is ours, and any other value somebody else's. */
static int change(struct vf *vf, const char *netdev, const struct netdev_moderation *want)
{
	char name[KEEP_NAME_MAX];
	int ret = 0;

	if (!vf->moderated)
		ret = netdev_get_moderation(netdev, &vf->moderation.before);
	if (ret == 0)
		ret = netdev_set_moderation(netdev, want);
	if (ret == 0)
		ret = netdev_get_moderation(netdev, &vf->moderation.now);
	if (ret < 0)
		return ret;
	vf->moderated = true;
	moderation_file(vf, name);
	keep_forget(name);
	keep_original(name, &vf->moderation, sizeof(vf->moderation));
	return 0;
}

int vf_moderate(struct port *port, uint32_t us)
{
	const struct netdev_moderation want = { .us = us };
	struct vf *vf = (struct vf *)port;
	char netdev[IF_NAMESIZE];
	int ret;

	/* DPDK has no call for this */
	if (vf->info.native)
		return -EOPNOTSUPP;
	if (!eth_netdev(vf->eth, netdev))
		return -ENODEV;
	ret = us ? change(vf, netdev, &want) : 0;
	if (!us || ret < 0)
		vf_moderation_end(vf, netdev);
	return ret;
}
