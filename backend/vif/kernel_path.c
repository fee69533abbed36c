/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_path.h"

#include <errno.h>
#include <string.h>

#include "port/kernel/tun.h"
#include "vif.h"

LOG_TAG("kernel");

#define TRIES_BEFORE_WORDS 3u

static bool is_used(const struct vif *vif)
{
	/* it has none while it connects */
	const struct port *port = vif->path ? path_get_port(vif->path) : NULL;

	return (port && port->kind == PORT_KERNEL) ||
	       (vif->leaving && vif->leaving->kind == PORT_KERNEL);
}

static const char *remedy(int error)
{
	switch (error) {
	case EEXIST:
		return "another network device has this name";
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "there is no /dev/net/tun; run 'modprobe tun'";
	default:
		return strerror(error);
	}
}

/* A name may be in use for a moment, as the representor's that it takes the place of. */
static void refused(struct vif *vif, const char *name, int error)
{
	struct kernel_path *own = &vif->kernel;

	own->refused = error;
	if (++own->tries == TRIES_BEFORE_WORDS && vif_may_warn(vif))
		log_warn("%s: path=kernel: no netdev %s: %s, trying again", vif->name, name,
			 remedy(error));
}

static void make(struct vif *vif)
{
	struct kernel_path *own = &vif->kernel;
	uint32_t mtu = vif->policy.draft.mtu;
	char name[NAMES_NETDEV_MAX];
	int ret;

	if (own->name[0] && own->mtu == mtu)
		return;
	names_netdev(vif, name);
	if (own->name[0])
		memcpy(name, own->name, sizeof(name));
	/* which goes by itself, and has the name until then */
	ret = vif->representor.page ? -EEXIST : tun_make(name, mtu);
	if (ret) {
		refused(vif, name, -ret);
		return;
	}
	if (!own->name[0])
		store_put(vif->host->store, vif->backend, "netdev", "%s", name);
	memcpy(own->name, name, sizeof(own->name));
	own->mtu = mtu;
	if (is_used(vif) && !vif->leaving)
		path_get_port(vif->path)->mtu = path_get_port(vif->path)->outer_mtu = (uint16_t)mtu;
	own->refused = 0;
	own->tries = 0;
}

/* The rule may be gone since a former vifd made one. */
static void unmake(struct vif *vif)
{
	struct kernel_path *own = &vif->kernel;

	if (!own->name[0] && own->looked)
		return;
	own->looked = true;
	if (!own->name[0])
		names_netdev(vif, own->name);
	store_remove(vif->host->store, vif->backend, "netdev");
	tun_remove(own->name);
	own->name[0] = '\0';
}

void kernel_path_follow(struct vif *vif, uint64_t now_us)
{
	if (vif_wants_kernel(vif))
		make(vif);
	else if (!is_used(vif) && vif->policy.valid)
		unmake(vif);
	if (vif_wants_kernel(vif) && !vif->kernel.name[0])
		vif_due(vif, STALE_LIVE, now_us + VIF_RETRY_US);
}

static struct port *open_port(struct vif *vif)
{
	make(vif);
	if (vif->kernel.name[0])
		return nic_open_kernel(vif->nic, vif->kernel.name, &vif->mac, vif->name);
	errno = vif->kernel.refused;
	return NULL;
}

struct port *kernel_path_open(struct vif *vif)
{
	struct port *port = open_port(vif);

	if (port || errno != ENODEV || !vif->kernel.name[0])
		return port;
	/* somebody has removed it */
	vif->kernel.name[0] = '\0';
	return open_port(vif);
}

void kernel_path_end(struct vif *vif)
{
	if (vif->kernel.name[0] && !vif->stays)
		tun_remove(vif->kernel.name);
}

static bool is_of_a_vif(void *arg, const char *name)
{
	const struct host *host = arg;
	const struct vif *vif;

	TAILQ_FOREACH (vif, &host->vifs, link) {
		char own[NAMES_NETDEV_MAX];

		names_netdev(vif, own);
		if (!strcmp(own, name))
			return true;
	}
	return false;
}

void kernel_path_sweep(struct host *host)
{
	tun_sweep(is_of_a_vif, host);
}
