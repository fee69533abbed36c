/* SPDX-License-Identifier: BSD-3-Clause */
#include "dom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>

#include "xtl.h"

#define CAPABILITIES_FILE "/proc/xen/capabilities"

_Static_assert(DOM_ID_MAX == DOMID_FIRST_RESERVED - 1, "ids above are Xen's own");

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
		return errno != ESRCH;
	return !(info.flags & XEN_DOMINF_dying);
}
#else
bool dom_alive(struct dom *dom, uint16_t domid)
{
	xc_dominfo_t info;
	int nr = xc_domain_getinfo(dom->xc, domid, 1, &info);

	if (nr < 0)
		return errno != ESRCH;
	return nr == 1 && info.domid == domid && !info.dying;
}
#endif

/* Is @option among the comma-separated @values? */
static bool has_option(char *values, const char *option)
{
	char *rest, *value;

	for (value = strtok_r(values, ",", &rest); value; value = strtok_r(NULL, ",", &rest))
		if (!strcmp(value, option))
			return true;
	return false;
}

/* Was Xen told to restrict the first domain's devices? Anything unclear counts as no. */
static bool is_strict(char *commandline)
{
	bool strict = false;
	char *rest, *word;

	for (word = strtok_r(commandline, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *values = strchr(word, '=');

		if (strncmp(word, "dom0-iommu=", 11) && strncmp(word, "iommu=", 6))
			continue;
		*values++ = '\0';
		if (strstr(values, "passthrough") || strstr(values, "no-"))
			return false;
		strict = has_option(values, *word == 'd' ? "strict" : "dom0-strict") || strict;
	}
	return strict;
}

/* Linux says "control_d" in Xen's first domain, and nothing in others. Anything unclear counts as the first. */
static bool is_first_domain(void)
{
	char text[32];
	int fd = open(CAPABILITIES_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return len != 0;
}

bool dom_devices_guarded(struct dom *dom)
{
	xen_commandline_t commandline = "";
	xc_physinfo_t info = { 0 };

	if (!is_first_domain())
		return true;
	if (xc_physinfo(dom->xc, &info) || !(info.capabilities & XEN_SYSCTL_PHYSCAP_directio) ||
	    xc_version(dom->xc, XENVER_commandline, &commandline) < 0)
		return false;
	return is_strict((char *)commandline);
}
