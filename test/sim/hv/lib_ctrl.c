// SPDX-License-Identifier: BSD-3-Clause
/* libxenctrl for the sim bed: the part that a back end uses, which is whether a domain lives and its type */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

#include "simhv.h"

#define SIM_CPUS 64

struct xc_interface_core {
	xentoollog_logger *logger;
};

/* Not in the headers of every release that is supported */
#if !SIM_HAVE_XC_DOMAIN_GETINFO_SINGLE
int xc_domain_getinfo_single(xc_interface *xch, uint32_t domid, xc_domaininfo_t *info);
#endif

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger,
				unsigned open_flags)
{
	struct xc_interface_core *xch;
	int err = simhv_attach();

	(void)dombuild_logger, (void)open_flags;
	if (err) {
		errno = -err;
		return NULL;
	}
	xch = calloc(1, sizeof(*xch));
	if (xch)
		xch->logger = logger;
	return xch;
}

int xc_interface_close(xc_interface *xch)
{
	free(xch);
	return 0;
}

/* Xen tells nobody but the first domain. Return: may this process ask? */
static bool may_ask(void)
{
	if (simhv_domid() == 0)
		return true;
	errno = EPERM;
	return false;
}

/* The first domain at or after @domid that exists, or SIM_DOMS */
static uint32_t dom_next(uint32_t domid)
{
	while (domid < SIM_DOMS &&
	       (simhv->dom[domid].state == SIM_DOM_FREE ||
		(simhv->dom[domid].state == SIM_DOM_DYING && simhv->dom[domid].maps == 0)))
		domid++;
	return domid < SIM_DOMS ? domid : SIM_DOMS;
}

static void info_fill(xc_domaininfo_t *info, uint32_t domid)
{
	struct sim_dom *dom = &simhv->dom[domid];

	memset(info, 0, sizeof(*info));
	info->domain = (domid_t)domid;
	info->flags = dom->state == SIM_DOM_DYING ? XEN_DOMINF_dying : XEN_DOMINF_running;
	if (dom->type != SIM_DOM_PV)
		info->flags |= XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
	if (dom->shutdown)
		info->flags |= XEN_DOMINF_shutdown | (dom->shutdown - 1)
							     << XEN_DOMINF_shutdownshift;
	info->tot_pages = info->max_pages = SIM_DOM_PAGES;
	info->nr_online_vcpus = 1;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first_domain, unsigned int max_domains,
			  xc_domaininfo_t *info)
{
	unsigned int n = 0;

	(void)xch;
	if (!may_ask())
		return -1;
	for (uint32_t id = dom_next(first_domain); id < SIM_DOMS && n < max_domains;
	     id = dom_next(id + 1))
		info_fill(&info[n++], id);
	return (int)n;
}

int xc_domain_getinfo_single(xc_interface *xch, uint32_t domid, xc_domaininfo_t *info)
{
	(void)xch;
	if (!may_ask())
		return -1;
	if (dom_next(domid) != domid) {
		errno = ESRCH;
		return -1;
	}
	info_fill(info, domid);
	return 0;
}

#if SIM_HAVE_XC_DOMAIN_GETINFO
int xc_domain_getinfo(xc_interface *xch, uint32_t first_domid, unsigned int max_doms,
		      xc_dominfo_t *info)
{
	unsigned int n = 0;

	(void)xch;
	if (!may_ask())
		return -1;
	for (uint32_t id = dom_next(first_domid); id < SIM_DOMS && n < max_doms;
	     id = dom_next(id + 1)) {
		struct sim_dom *dom = &simhv->dom[id];
		xc_dominfo_t *i = &info[n++];

		memset(i, 0, sizeof(*i));
		i->domid = id;
		i->dying = dom->state == SIM_DOM_DYING;
		i->running = !i->dying;
		i->hvm = i->hap = dom->type != SIM_DOM_PV;
		i->shutdown = dom->shutdown != 0;
		i->shutdown_reason = dom->shutdown ? dom->shutdown - 1 : 0;
		i->crashed = i->shutdown && i->shutdown_reason == SHUTDOWN_crash;
		i->nr_pages = SIM_DOM_PAGES;
		i->nr_online_vcpus = 1;
	}
	if (!n) {
		errno = ESRCH;
		return -1;
	}
	return (int)n;
}
#endif

/* What Xen knows of the machine: nothing here has a device that an IOMMU could restrict */
int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
	(void)xch, (void)info;
	errno = EPERM;
	return -1;
}

int xc_version(xc_interface *xch, int cmd, void *arg)
{
	(void)xch, (void)cmd, (void)arg;
	errno = EPERM;
	return -1;
}

/* Each vCPU has its processor, whose frequency nobody scales */
xc_cpumap_t xc_cpumap_alloc(xc_interface *xch)
{
	(void)xch;
	return calloc(1, SIM_CPUS / 8);
}

int xc_get_max_cpus(xc_interface *xch)
{
	(void)xch;
	return SIM_CPUS;
}

int xc_vcpu_getaffinity(xc_interface *xch, uint32_t domid, int vcpu, xc_cpumap_t hard,
			xc_cpumap_t soft, uint32_t flags)
{
	(void)xch, (void)domid, (void)soft, (void)flags;
	hard[vcpu % SIM_CPUS / 8] = (uint8_t)(1 << vcpu % 8);
	return 0;
}

int xc_get_cpufreq_para(xc_interface *xch, int cpu, struct xc_get_cpufreq_para *para)
{
	(void)xch, (void)cpu, (void)para;
	errno = ENODEV;
	return -1;
}

int xc_set_cpufreq_gov(xc_interface *xch, int cpu, char *name)
{
	(void)xch, (void)cpu, (void)name;
	errno = ENODEV;
	return -1;
}

int xc_set_cpufreq_para(xc_interface *xch, int cpu, int type, int value)
{
	(void)xch, (void)cpu, (void)type, (void)value;
	errno = ENODEV;
	return -1;
}
