/* SPDX-License-Identifier: BSD-3-Clause */
#include "pf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

LOG_TAG("pf");

static const struct {
	enum pf_value value;
	const char *name;
} values[] = {
	{ PF_MAC, "mac" },     { PF_VLAN, "vlan" },	  { PF_SPOOFCHK, "spoof check" },
	{ PF_TRUST, "trust" }, { PF_LINK, "link state" }, { PF_RATE, "rate" },
};

#define NR_VALUES (sizeof(values) / sizeof(values[0]))

void pf_init(struct pf *pf, const struct pf_ops *ops, const char *name)
{
	pf->ops = ops;
	snprintf(pf->name, sizeof(pf->name), "%s", name);
	pthread_mutex_init(&pf->lock, NULL);
}

void pf_close(struct pf *pf)
{
	if (!pf)
		return;
	pthread_mutex_destroy(&pf->lock);
	pf->ops->close(pf);
}

int pf_up(struct pf *pf, unsigned int timeout_ms)
{
	int ret;

	pthread_mutex_lock(&pf->lock);
	ret = pf->ops->up(pf, timeout_ms);
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

uint16_t pf_mtu(struct pf *pf)
{
	int mtu;

	if (!pf)
		return 0;
	pthread_mutex_lock(&pf->lock);
	mtu = pf->ops->mtu(pf);
	pthread_mutex_unlock(&pf->lock);
	return mtu < 0 ? 0 : (uint16_t)mtu;
}

void pf_link_get(struct pf *pf, struct port_link *link)
{
	*link = (struct port_link){ 0 };
	if (!pf)
		return;
	pthread_mutex_lock(&pf->lock);
	pf->ops->link_get(pf, link);
	pthread_mutex_unlock(&pf->lock);
}

bool pf_can(const struct pf *pf, enum pf_value value)
{
	return pf && pf->ops->vf_set && !(pf->unsupported & value);
}

static int vf_get_locked(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	memset(vf, 0, sizeof(*vf));
	return pf->ops->vf_get ? pf->ops->vf_get(pf, index, vf) : 0;
}

int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	int ret;

	memset(vf, 0, sizeof(*vf));
	if (!pf)
		return 0;
	pthread_mutex_lock(&pf->lock);
	ret = vf_get_locked(pf, index, vf);
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

static bool is_same(const struct pf_vf *a, const struct pf_vf *b, enum pf_value value)
{
	switch (value) {
	case PF_MAC:
		return rte_is_same_ether_addr(&a->mac, &b->mac);
	case PF_VLAN:
		return a->vlan == b->vlan && a->qos == b->qos &&
		       (a->vlan == 0 || a->vlan_proto == b->vlan_proto);
	case PF_SPOOFCHK:
		return a->spoofchk == b->spoofchk;
	case PF_TRUST:
		return a->trust == b->trust;
	case PF_LINK:
		return a->link == b->link;
	case PF_RATE:
		return a->min_mbps == b->min_mbps && a->max_mbps == b->max_mbps;
	case PF_ALL:
		break;
	}
	return true;
}

/* Drivers that cannot guarantee a rate refuse the largest one with it. */
static int set_without_min(struct pf *pf, uint16_t index, const struct pf_vf *want)
{
	struct pf_vf less = *want;
	int ret;

	less.min_mbps = 0;
	ret = pf->ops->vf_set(pf, index, PF_RATE, &less);
	if (ret == 0 && !pf->no_min) {
		log_info("%s: this NIC can't keep a VF's guaranteed rate", pf->name);
		pf->no_min = true;
	}
	return ret;
}

static int set_value(struct pf *pf, uint16_t index, unsigned int which, const struct pf_vf *want)
{
	enum pf_value value = values[which].value;
	int ret = pf->ops->vf_set(pf, index, value, want);

	if (ret < 0 && value == PF_RATE && want->min_mbps)
		ret = set_without_min(pf, index, want);
	if (ret == -EOPNOTSUPP) {
		if (!(pf->unsupported & value))
			log_info("%s: this NIC can't set a VF's %s", pf->name, values[which].name);
		pf->unsupported |= value;
		return 0;
	}
	if (ret < 0)
		log_warn("%s: VF %u: setting %s: %s", pf->name, index, values[which].name,
			 strerror(-ret));
	return ret;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	struct pf_vf have;
	int first;

	if (!pf || !pf->ops->vf_set)
		return 0;
	pthread_mutex_lock(&pf->lock);
	first = vf_get_locked(pf, index, &have);
	for (unsigned int i = 0; first != -ENOENT && i < NR_VALUES; i++) {
		enum pf_value value = values[i].value;
		int ret;

		if (!(mask & value) || ((have.valid & value) && is_same(&have, want, value)))
			continue;
		ret = set_value(pf, index, i, want);
		if (first == 0)
			first = ret;
	}
	pthread_mutex_unlock(&pf->lock);
	return first;
}
