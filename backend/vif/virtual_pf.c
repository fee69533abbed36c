/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtual_pf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "port/kernel/netdev.h"
#include "vif.h"

LOG_TAG("virtual-pf");

static struct vif *find(const struct vif *vif, uint32_t handle)
{
	return vif_index_find(vif->host, vif->domid, handle);
}

bool virtual_pf_is_vf_of(const struct vif *vif, const struct vif *pf)
{
	return vif->domid == pf->domid && vif != pf &&
	       vif->policy.draft.virtual_pf == pf->handle + 1u;
}

static const struct vif *first_vf(const struct vif *pf)
{
	const struct vif *other;

	TAILQ_FOREACH (other, &pf->host->vifs, link)
		if (virtual_pf_is_vf_of(other, pf))
			return other;
	return NULL;
}

int virtual_pf_check(const struct vif *vif, const struct policy_draft *draft,
		     char error[POLICY_ERROR_MAX])
{
	const struct vif *pf, *vf;

	if (!draft->virtual_pf)
		return 0;
	if (draft->virtual_pf == vif->handle + 1u) {
		snprintf(error, POLICY_ERROR_MAX, "virtual-pf: %u is the interface itself",
			 vif->handle);
		return -EINVAL;
	}
	pf = find(vif, draft->virtual_pf - 1);
	vf = first_vf(vif);
	if (pf && pf->policy.draft.virtual_pf)
		snprintf(error, POLICY_ERROR_MAX, "virtual-pf: %s is a virtual VF itself",
			 pf->name);
	else if (vf)
		snprintf(error, POLICY_ERROR_MAX,
			 "virtual-pf: this is the virtual PF of %s, and cannot be a VF", vf->name);
	else
		return 0;
	return -EINVAL;
}

struct vif *virtual_pf_of(const struct vif *vif)
{
	uint32_t handle = vif->policy.draft.virtual_pf;

	return handle ? find(vif, handle - 1) : NULL;
}

int virtual_pf_index(const struct vif *pf, const struct vif *vif)
{
	const struct vf_wishes *wishes = &pf->virtual_pf.wishes;

	for (uint32_t i = 0; i < wishes->nr; i++)
		if (wishes->handle[i] == vif->handle)
			return (int)i;
	return -1;
}

bool virtual_pf_is_wanted(const struct vif *vif)
{
	const struct vif *pf = virtual_pf_of(vif);
	int index = pf ? virtual_pf_index(pf, vif) : -1;

	return index >= 0 && (uint32_t)index < pf->virtual_pf.wishes.wanted;
}

uint32_t virtual_pf_find(const struct vif *pf, uint32_t index, struct vif **vf)
{
	const struct vf_wishes *wishes = &pf->virtual_pf.wishes;
	struct vif *other;

	if (index >= wishes->nr)
		return VIFVPF_REASON_INDEX;
	if (index >= wishes->wanted)
		return VIFVPF_REASON_PARKED;
	TAILQ_FOREACH (other, &pf->host->vifs, link) {
		if (virtual_pf_of(other) != pf || other->handle != wishes->handle[index])
			continue;
		*vf = other;
		return VIFVPF_REASON_NONE;
	}
	return VIFVPF_REASON_GONE;
}

/* In the order of their handles before the guest knows of them, else behind those that it knows. */
static void list_vf(struct vif *pf, const struct vif *vf)
{
	struct vf_wishes *wishes = &pf->virtual_pf.wishes;
	uint32_t at = wishes->nr;

	if (wishes->nr == VIFVPF_VFS_MAX) {
		if (!pf->virtual_pf.full)
			log_warn("%s: has %u virtual VFs, so %s is none", pf->name, wishes->nr,
				 vf->name);
		pf->virtual_pf.full = true;
		return;
	}
	while (!pf->path && at && wishes->handle[at - 1] > vf->handle) {
		wishes->handle[at] = wishes->handle[at - 1];
		at--;
	}
	wishes->handle[at] = vf->handle;
	wishes->nr++;
}

static void list_vfs(struct vif *pf)
{
	const struct vif *other;

	if (!pf->path)
		memset(&pf->virtual_pf.wishes, 0, sizeof(pf->virtual_pf.wishes));
	TAILQ_FOREACH (other, &pf->host->vifs, link)
		if (virtual_pf_is_vf_of(other, pf) && virtual_pf_index(pf, other) < 0)
			list_vf(pf, other);
}

struct node {
	struct vif *vif;
	uint32_t pf;
};

/* The toolstack may be removing the directory, which a write would make again. */
static int write_node(void *arg)
{
	const struct node *node = arg;
	struct store *store = node->vif->host->store;

	if (!store_exists(store, node->vif->backend, "state"))
		return 0;
	if (node->pf)
		return store_put(store, node->vif->backend, VIFVPF_NODE, "%u", node->pf - 1);
	store_remove(store, node->vif->backend, VIFVPF_NODE);
	return 0;
}

static void mark_vfs(struct vif *pf)
{
	struct vif *other;

	TAILQ_FOREACH (other, &pf->host->vifs, link)
		if (virtual_pf_is_vf_of(other, pf))
			other->stale |= STALE_LIVE;
}

/* Only a PF that is served here is told: the guest would leave the VF alone for ever. */
static void tell_pf(struct vif *vif)
{
	struct virtual_pf *self = &vif->virtual_pf;
	uint32_t rule = vif->policy.draft.virtual_pf;
	struct node node = { .vif = vif, .pf = virtual_pf_of(vif) ? rule : 0 };

	if (rule && !node.pf && !self->missing)
		log_warn("%s: virtual-pf=%u: no such interface of this guest is served here; until "
			 "there is, this is an interface of its own",
			 vif->name, rule - 1);
	self->missing = rule && !node.pf;
	if (node.pf == self->told || store_transact(vif->host->store, write_node, &node))
		return;
	self->told = node.pf;
	if (node.pf)
		find(vif, node.pf - 1)->stale |= STALE_LIVE;
}

void virtual_pf_follow(struct vif *vif)
{
	list_vfs(vif);
	tell_pf(vif);
}

void virtual_pf_publish(struct vif *vif)
{
	vif->virtual_pf.told = 0;
	virtual_pf_follow(vif);
	mark_vfs(vif);
	if (!vif->virtual_pf.told)
		store_remove(vif->host->store, vif->backend, VIFVPF_NODE);
}

/* Has a virtual VF other than @vif's been given this address, connected or not? */
static bool is_wished(const struct vif *vif, const struct rte_ether_addr *mac)
{
	const struct vif *pf;

	TAILQ_FOREACH (pf, &vif->host->vifs, link) {
		const struct vf_wishes *wishes = &pf->virtual_pf.wishes;

		for (uint32_t i = 0; i < wishes->wanted; i++)
			if ((pf->domid != vif->domid || wishes->handle[i] != vif->handle) &&
			    wishes->of[i].set & 1u << VIFVPF_ATTR_MAC &&
			    rte_is_same_ether_addr(&wishes->of[i].mac, mac))
				return true;
	}
	return false;
}

/* @known: it is in force, and the host's netdevs, of which the list is long, are not asked again */
static uint32_t judge(const struct vif *vif, const struct vf_wish *wish, uint32_t attr,
		      struct policy_draft *draft, bool known)
{
	if (attr == VIFVPF_ATTR_MAC && draft->guest_mac &&
	    (request_is_anothers(vif, &wish->mac) || is_wished(vif, &wish->mac) ||
	     (!known && netdev_any_has(&wish->mac))))
		return VIFVPF_REASON_TAKEN;
	return vf_wish_apply(wish, attr, draft);
}

uint32_t virtual_pf_judge(const struct vif *vif, const struct vf_wish *wish, uint32_t attr,
			  struct policy_draft *draft)
{
	return judge(vif, wish, attr, draft, false);
}

void virtual_pf_apply(struct vif *vif, struct policy_draft *draft)
{
	const struct vif *pf = virtual_pf_of(vif);
	uint32_t before = vif->virtual_pf.applied;
	const struct vf_wish *wish;

	vif->virtual_pf.applied = 0;
	if (!pf || !pf->path || !virtual_pf_is_wanted(vif))
		return;
	wish = &pf->virtual_pf.wishes.of[virtual_pf_index(pf, vif)];
	for (uint32_t attr = VIFVPF_ATTR_MAC; wish->set && attr <= VIFVPF_ATTR_LINK; attr++)
		if (wish->set & 1u << attr && !judge(vif, wish, attr, draft, before & 1u << attr))
			vif->virtual_pf.applied |= 1u << attr;
}

void virtual_pf_restored(struct vif *pf)
{
	if (!vf_wishes_are_whole(&pf->virtual_pf.wishes))
		memset(&pf->virtual_pf.wishes, 0, sizeof(pf->virtual_pf.wishes));
	list_vfs(pf);
	mark_vfs(pf);
}

void virtual_pf_end(struct vif *vif)
{
	if (vif->virtual_pf.wishes.wanted)
		mark_vfs(vif);
	memset(&vif->virtual_pf.wishes, 0, sizeof(vif->virtual_pf.wishes));
}
