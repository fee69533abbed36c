/* SPDX-License-Identifier: BSD-3-Clause */
#include "pf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
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

int pf_vf_stats(struct pf *pf, uint16_t index, struct pf_vf_stats *stats)
{
	int ret;

	memset(stats, 0, sizeof(*stats));
	if (!pf || !pf->ops->vf_stats)
		return 0;
	pthread_mutex_lock(&pf->lock);
	ret = pf->ops->vf_stats(pf, index, stats);
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

static void copy_value(struct pf_vf *to, const struct pf_vf *from, enum pf_value value)
{
	to->valid |= value;
	switch (value) {
	case PF_MAC:
		to->mac = from->mac;
		break;
	case PF_VLAN:
		to->vlan = from->vlan;
		to->qos = from->qos;
		to->vlan_proto = from->vlan_proto;
		break;
	case PF_SPOOFCHK:
		to->spoofchk = from->spoofchk;
		break;
	case PF_TRUST:
		to->trust = from->trust;
		break;
	case PF_LINK:
		to->link = from->link;
		break;
	case PF_RATE:
		to->min_mbps = from->min_mbps;
		to->max_mbps = from->max_mbps;
		break;
	case PF_ALL:
		break;
	}
}

/* What it reads back, which may be rounded: from now on another value is somebody else's. */
static void remember(struct pf *pf, uint16_t index, uint32_t mask)
{
	struct pf_vf now;

	if (index >= PF_VFS_MAX || vf_get_locked(pf, index, &now) < 0)
		return;
	for (unsigned int i = 0; i < NR_VALUES; i++)
		if (mask & now.valid & values[i].value)
			copy_value(&pf->told[index], &now, values[i].value);
}

static uint32_t left(const struct pf *pf, uint16_t index)
{
	return index < PF_VFS_MAX ? pf->theirs[index] : 0;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	struct pf_vf have;
	int first;

	if (!pf || !pf->ops->vf_set)
		return 0;
	pthread_mutex_lock(&pf->lock);
	first = vf_get_locked(pf, index, &have);
	mask &= ~left(pf, index);
	for (unsigned int i = 0; first != -ENOENT && i < NR_VALUES; i++) {
		enum pf_value value = values[i].value;
		int ret;

		if (!(mask & value) || ((have.valid & value) && is_same(&have, want, value)))
			continue;
		ret = set_value(pf, index, i, want);
		if (first == 0)
			first = ret;
	}
	remember(pf, index, mask);
	pthread_mutex_unlock(&pf->lock);
	return first;
}

uint32_t pf_vf_changed(struct pf *pf, uint16_t index, struct pf_vf *told, struct pf_vf *now)
{
	uint32_t changed = 0;

	if (!pf || index >= PF_VFS_MAX)
		return 0;
	pthread_mutex_lock(&pf->lock);
	*told = pf->told[index];
	if (told->valid && vf_get_locked(pf, index, now) == 0)
		for (unsigned int i = 0; i < NR_VALUES; i++)
			if (told->valid & now->valid & values[i].value &&
			    !is_same(told, now, values[i].value))
				changed |= values[i].value;
	changed &= ~pf->theirs[index];
	pthread_mutex_unlock(&pf->lock);
	return changed;
}

void pf_vf_accept(struct pf *pf, uint16_t index, enum pf_value value, const struct pf_vf *now)
{
	pthread_mutex_lock(&pf->lock);
	copy_value(&pf->told[index], now, value);
	pthread_mutex_unlock(&pf->lock);
}

void pf_vf_leave(struct pf *pf, uint16_t index, enum pf_value value)
{
	pthread_mutex_lock(&pf->lock);
	pf->theirs[index] |= value;
	pthread_mutex_unlock(&pf->lock);
}

void pf_vf_forget(struct pf *pf, uint16_t index)
{
	if (!pf || index >= PF_VFS_MAX)
		return;
	pthread_mutex_lock(&pf->lock);
	pf->told[index] = (struct pf_vf){ 0 };
	pf->theirs[index] = 0;
	pthread_mutex_unlock(&pf->lock);
}

const char *pf_value_name(enum pf_value value)
{
	for (unsigned int i = 0; i < NR_VALUES; i++)
		if (values[i].value == value)
			return values[i].name;
	return "";
}

void pf_value_text(enum pf_value value, const struct pf_vf *vf, char text[PF_TEXT_MAX])
{
	static const char *const links[] = {
		[PORT_LINK_AUTO] = "auto", [PORT_LINK_ON] = "enable", [PORT_LINK_OFF] = "disable"
	};

	switch (value) {
	case PF_MAC:
		text_put_mac(text, vf->mac.addr_bytes);
		break;
	case PF_VLAN:
		snprintf(text, PF_TEXT_MAX, "%u qos %u%s", vf->vlan, vf->qos,
			 vf->vlan_proto == RTE_ETHER_TYPE_QINQ ? " proto 802.1ad" : "");
		break;
	case PF_SPOOFCHK:
		snprintf(text, PF_TEXT_MAX, "%s", vf->spoofchk ? "on" : "off");
		break;
	case PF_TRUST:
		snprintf(text, PF_TEXT_MAX, "%s", vf->trust ? "on" : "off");
		break;
	case PF_LINK:
		snprintf(text, PF_TEXT_MAX, "%s", links[vf->link]);
		break;
	case PF_RATE:
		snprintf(text, PF_TEXT_MAX, "%u..%u Mbit/s", vf->min_mbps, vf->max_mbps);
		break;
	case PF_ALL:
		text[0] = '\0';
		break;
	}
}
