/* SPDX-License-Identifier: BSD-3-Clause */
/* links: xen/dom.c */
/* wraps: open */
/* Xen's answers about its IOMMU, and the conclusions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>

#include <cmocka.h>

#include "xen/dom.h"
#include "xen/xtl.h"

static const char *commandline;
static uint32_t capabilities;
/* What Linux says in /proc/xen/capabilities; NULL = it does not */
static const char *linux_says = "control_d\n";

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	int ends[2];

	if (strcmp(path, "/proc/xen/capabilities") != 0)
		return __real_open(path, flags);
	if (!linux_says || pipe(ends) < 0) {
		errno = ENOENT;
		return -1;
	}
	assert_int_equal(write(ends[1], linux_says, strlen(linux_says)), strlen(linux_says));
	close(ends[1]);
	return ends[0];
}

struct xentoollog_logger *xtl_logger(void)
{
	return NULL;
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild,
				unsigned int flags)
{
	static int handle;

	(void)logger;
	(void)dombuild;
	(void)flags;
	return (xc_interface *)&handle;
}

int xc_interface_close(xc_interface *xc)
{
	(void)xc;
	return 0;
}

int xc_physinfo(xc_interface *xc, xc_physinfo_t *info)
{
	(void)xc;
	memset(info, 0, sizeof(*info));
	info->capabilities = capabilities;
	return 0;
}

int xc_version(xc_interface *xc, int cmd, void *arg)
{
	(void)xc;
	assert_int_equal(cmd, XENVER_commandline);
	if (!commandline)
		return -1;
	snprintf(arg, sizeof(xen_commandline_t), "%s", commandline);
	return 0;
}

/* What Xen says of a domain: an error, or whether it is dying. */
static int error;
static bool dying;

#if XEN_DOMCTL_INTERFACE_VERSION >= 0x16
int xc_domain_getinfo_single(xc_interface *xc, uint32_t domid, xc_domaininfo_t *info)
{
	(void)xc;
	memset(info, 0, sizeof(*info));
	info->domain = (domid_t)domid;
	info->flags = dying ? XEN_DOMINF_dying : 0;
	errno = error;
	return error ? -1 : 0;
}
#else
int xc_domain_getinfo(xc_interface *xc, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
	(void)xc;
	assert_int_equal(max, 1);
	memset(info, 0, sizeof(*info));
	info->domid = first;
	info->dying = dying;
	errno = error;
	return error ? -1 : 1;
}
#endif

static bool is_alive(int xen_says, bool xen_says_dying)
{
	struct dom *dom = dom_open();
	bool is;

	assert_non_null(dom);
	error = xen_says;
	dying = xen_says_dying;
	is = dom_alive(dom, 7);
	dom_close(dom);
	return is;
}

/* A vif that is closed because its domain is dead does not come back. */
static void domain_is_dead_only_if_xen_says_so(void **state)
{
	(void)state;
	assert_true(is_alive(0, false));
	assert_false(is_alive(0, true));
	assert_false(is_alive(ESRCH, false));
	assert_true(is_alive(EPERM, false));
	assert_true(is_alive(ENOMEM, false));
	assert_true(is_alive(EINTR, false));
	assert_true(is_alive(EBUSY, false));
}

static bool guarded(const char *told)
{
	struct dom *dom = dom_open();
	bool is;

	assert_non_null(dom);
	commandline = told;
	is = dom_devices_guarded(dom);
	dom_close(dom);
	return is;
}

static void devices_of_the_first_domain_are_guarded_if_xen_was_told_so(void **state)
{
	(void)state;
	capabilities = XEN_SYSCTL_PHYSCAP_directio;
	assert_true(guarded("console=com1 dom0-iommu=strict loglvl=all"));
	assert_true(guarded("dom0-iommu=map-reserved,strict"));
	assert_true(guarded("iommu=force,dom0-strict"));
	assert_true(guarded("iommu=1 dom0-iommu=strict"));
	assert_false(guarded(""));
	assert_false(guarded("console=com1 iommu=1"));
	assert_false(guarded("iommu=strict"));
	assert_false(guarded("dom0-iommu=strictly"));
	assert_false(guarded("xdom0-iommu=strict"));
	assert_false(guarded("dom0-iommu=no-strict"));
	assert_false(guarded("dom0-iommu=strict,passthrough"));
	assert_false(guarded("dom0-iommu=strict iommu=dom0-passthrough"));
	assert_false(guarded(NULL));
}

static void without_an_iommu_nothing_is_guarded(void **state)
{
	(void)state;
	capabilities = XEN_SYSCTL_PHYSCAP_pv;
	assert_false(guarded("dom0-iommu=strict"));
}

/* Xen answers none of its questions, and gives it a device only behind an IOMMU. */
static void devices_of_a_driver_domain_are_guarded(void **state)
{
	(void)state;
	capabilities = 0;
	linux_says = "";
	assert_true(guarded(NULL));
	linux_says = NULL;
	assert_false(guarded(NULL));
	linux_says = "control_d\n";
	assert_false(guarded(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_is_dead_only_if_xen_says_so),
		cmocka_unit_test(devices_of_the_first_domain_are_guarded_if_xen_was_told_so),
		cmocka_unit_test(without_an_iommu_nothing_is_guarded),
		cmocka_unit_test(devices_of_a_driver_domain_are_guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
