/* SPDX-License-Identifier: BSD-3-Clause */
#include "claim.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/script.h"
#include "port/sriov/sysfs.h"
#include "vif.h"

LOG_TAG("vif");

bool claim_wants(const struct vif *vif)
{
	char script[256];
	int ret;

	if (vif->host->config->claim == CONFIG_CLAIM_ALL)
		return true;
	ret = store_get_text(vif->host->store, vif->backend, "script", script, sizeof(script));
	return ret > 0 ? script_is_ours(script) : ret == 0 || ret == -ENOENT;
}

/* xen-netback removes hotplug-status when it is unbound; the script may have written it or not. */
static int restore_hotplug_status(void *arg)
{
	struct vif *vif = arg;
	struct store *store = vif->host->store;

	if (!store_exists(store, vif->backend, "frontend") ||
	    store_exists(store, vif->backend, "hotplug-status"))
		return 0;
	return store_put(store, vif->backend, "hotplug-status", "%s",
			 store_get_flag(store, vif->backend, "hotplug-done", false) ? "connected" :
										      "");
}

/*
 * A guest that is already running may have read xen-netback's keys and be about to use as many queues
 * as they say.
 */
static void put_right(struct vif *vif, bool had_status)
{
	struct store *store = vif->host->store;
	uint32_t queues;

	if (!store_get_u32(store, vif->backend, "multi-queue-max-queues", 1, CONFIG_QUEUES_MAX,
			   &queues))
		vif->kernel_queues = queues;
	if (had_status)
		store_transact(store, restore_hotplug_status, vif);
	if (vif->published)
		vif->replaced = vif_write_features(vif) == -ESTALE;
}

static int refuse(struct vif *vif, int error)
{
	const char *why = "the kernel's xen-netback holds the interface and cannot be unbound";

	if (vif_may_warn(vif))
		log_error("%s: %s: %s", vif->name, why, strerror(error));
	store_put(vif->host->store, vif->backend, "fault", "%s: %s", why, strerror(error));
	return -error;
}

int claim_take(struct vif *vif)
{
	char path[PATH_MAX], device[24], status[16];
	const char *sysfs = vif->host->sysfs;
	bool had_status;
	int ret;

	snprintf(device, sizeof(device), "vif-%u-%u", vif->domid, vif->handle);
	snprintf(path, sizeof(path), "%s/bus/xen-backend/drivers/vif/%s", sysfs, device);
	if (access(path, F_OK))
		return 0;
	had_status = store_get_text(vif->host->store, vif->backend, "hotplug-status", status,
				    sizeof(status)) >= 0;
	snprintf(path, sizeof(path), "%s/bus/xen-backend/drivers/vif/unbind", sysfs);
	ret = sysfs_write(path, device);
	/* a driver that is being loaded is bound first, and has this file after that */
	if (ret == -ENOENT)
		return -EAGAIN;
	/* the toolstack removed it just now, and the kernel's driver with it */
	if (ret && ret != -ENODEV)
		return refuse(vif, -ret);
	put_right(vif, had_status);
	if (vif_may_tell(vif))
		log_info("%s: taken from the kernel's xen-netback", vif->name);
	return 1;
}
