/* SPDX-License-Identifier: BSD-3-Clause */
#include "vf_former.h"

#include "keep.h"
#include "log.h"
#include "port/kernel/netdev.h"

LOG_TAG("vf");

/* A netdev takes the PF's address when it goes down. */
static void give_back(const struct vf_env *env, const struct vfpool_vf *vf,
		      const struct pf_vf *before)
{
	pf_vf_set(env->pf, vf->index, before, before->valid);
	if (vf->netdev[0] && netdev_is_up(vf->netdev)) {
		netdev_set_up(vf->netdev, false);
		netdev_set_up(vf->netdev, true);
	}
	pf_vf_forget(env->pf, vf->index);
	keep_forget(vf->pci);
}

static void clear_one(const struct vf_env *env, const struct vfpool_vf *vf,
		      const struct rte_ether_addr *mac, const char *owner)
{
	struct pf_vf now, before;

	if (pf_vf_get(env->pf, vf->index, &now) < 0 || !(now.valid & PF_MAC) ||
	    !rte_is_same_ether_addr(&now.mac, mac))
		return;
	if (!keep_load(vf->pci, &before, sizeof(before)) ||
	    rte_is_same_ether_addr(&before.mac, mac)) {
		log_warn("%s: VF %s of the same PF has its address, too, and not from vifd: frames "
			 "may go there",
			 owner, vf->pci);
		return;
	}
	log_info("%s: VF %s has its address from a vifd that did not stop, it is taken back", owner,
		 vf->pci);
	give_back(env, vf, &before);
}

void vf_former_clear(const struct vf_env *env, uint16_t index, const struct rte_ether_addr *mac,
		     const char *owner)
{
	struct vfpool_vf vfs[VFPOOL_MAX];
	unsigned int nr;

	if (!env->pf)
		return;
	nr = vfpool_list(env->vfs, vfs, VFPOOL_MAX);
	for (unsigned int i = 0; i < nr; i++)
		if (vfs[i].index != index && !vfs[i].owner[0])
			clear_one(env, &vfs[i], mac, owner);
}
