/* SPDX-License-Identifier: BSD-3-Clause */
/* Xen's present interface, not its oldest. */
#define __XEN_TOOLS__ 1
#include "room.h"

#include <errno.h>
#include <string.h>
#include <xen/memory.h>
#include <xencall.h>

#include "xtl.h"

/* Xen counts pages of 4 KiB. */
#define PAGES_IN_MB 256

/* Return: pages, -errno */
static int64_t ask(xencall_handle *call, unsigned int what)
{
	domid_t *domid = xencall_alloc_buffer(call, sizeof(*domid));
	long pages;

	if (!domid)
		return -ENOMEM;
	*domid = DOMID_SELF;
	pages = xencall2L(call, __HYPERVISOR_memory_op, what, (uintptr_t)domid);
	if (pages < 0)
		pages = -errno;
	xencall_free_buffer(call, domid);
	return pages;
}

int64_t room_mb(void)
{
	xencall_handle *call = xencall_open(xtl_logger(), 0);
	int64_t most, now;

	if (!call)
		return -errno;
	most = ask(call, XENMEM_maximum_reservation);
	now = ask(call, XENMEM_current_reservation);
	xencall_close(call);
	if (most < 0 || now < 0)
		return most < 0 ? most : now;
	return most > now ? (most - now) / PAGES_IN_MB : 0;
}
