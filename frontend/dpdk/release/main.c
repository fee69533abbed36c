/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_xenfront-release: what a killed application left of a vif, for the kernel's driver.
 *
 * The connection stays in xenstore. A driver of the kernel that has never had the vif takes its own
 * state for Initialising, and so does not write it; then the back end waits for the dead application.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/dpdk/store.h"

static const char usage[] =
	"usage: net_xenfront-release VIF\n\n"
	"Ends the connection that a killed DPDK application left of this interface, so that the\n"
	"kernel's driver can have it: echo vif-VIF > /sys/bus/xen/drivers/vif/bind\n";

static int fail(unsigned int vif, const char *why)
{
	fprintf(stderr, "net_xenfront-release: vif %u: %s\n", vif, why);
	return 1;
}

static int has_driver(unsigned int vif)
{
	const char *sysfs = getenv("XENFRONT_SYSFS");
	char path[512];

	snprintf(path, sizeof(path), "%s/vif-%u/driver", sysfs ? sysfs : "/sys/bus/xen/devices",
		 vif);
	return access(path, F_OK) == 0;
}

static int release(const struct xf_store *s)
{
	enum xf_state state = xf_store_front_state(s);
	int lock = xf_store_lock(s);

	if (lock == -EBUSY)
		return fail(s->vif, "an application has it; end that first");
	if (lock < 0)
		return fail(s->vif, strerror(-lock));
	if (state != XF_INITIALISING && xf_store_end(s))
		fail(s->vif, "the back end does not close; is it there?");
	xf_store_remove_stale(s, XBT_NULL);
	if (state != XF_INITIALISING && xf_store_set_state(s, XF_INITIALISING))
		return fail(s->vif, strerror(errno));
	return 0; /* the lock goes with the process */
}

int main(int argc, char **argv)
{
	struct xf_store store;
	unsigned int vif;
	char end;
	int err;

	if (argc != 2 || sscanf(argv[1], "%5u%c", &vif, &end) != 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (has_driver(vif))
		return fail(vif, "a driver of the kernel has it already");
	err = xf_store_open(&store, vif);
	if (err)
		return fail(vif, err == -ENOENT ? "there is no such interface in this domain" :
						  "cannot reach xenstore: is this a Xen guest?");
	err = release(&store);
	xf_store_close(&store);
	return err;
}
