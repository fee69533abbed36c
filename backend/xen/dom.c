/* SPDX-License-Identifier: BSD-3-Clause */
#include "dom.h"

#include <errno.h>
#include <stdlib.h>
#include <xenctrl.h>

#include "xtl.h"

struct dom {
	xc_interface *xc;
};

struct dom *dom_open(void)
{
	struct dom *dom = calloc(1, sizeof(*dom));

	if (!dom)
		return NULL;
	dom->xc = xc_interface_open(xtl_logger(), xtl_logger(), 0);
	if (!dom->xc) {
		free(dom);
		return NULL;
	}
	return dom;
}

void dom_close(struct dom *dom)
{
	if (!dom)
		return;
	xc_interface_close(dom->xc);
	free(dom);
}

/* xc_domain_getinfo() went away when xc_domain_getinfo_single() came, in 4.18. */
#if XEN_DOMCTL_INTERFACE_VERSION >= 0x16
bool dom_alive(struct dom *dom, uint16_t domid)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfo_single(dom->xc, domid, &info))
		return errno == EPERM || errno == EACCES;
	return !(info.flags & XEN_DOMINF_dying);
}
#else
bool dom_alive(struct dom *dom, uint16_t domid)
{
	xc_dominfo_t info;
	int nr = xc_domain_getinfo(dom->xc, domid, 1, &info);

	if (nr < 0)
		return errno == EPERM || errno == EACCES;
	return nr == 1 && info.domid == domid && !info.dying;
}
#endif
