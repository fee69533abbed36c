/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver as the vdev bus knows it: its arguments, taking a vif, and the scan that offers every
 * vif that no kernel driver holds, as the PCI bus does with devices.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_bus.h>
#include <rte_devargs.h>
#include <rte_kvargs.h>

#include "pmd.h"
#include "pool.h"

#define DRIVER "net_xenfront"
#define SYSFS "/sys/bus/xen/devices"

RTE_LOG_REGISTER(xf_logtype, pmd.net.xenfront, NOTICE)

static const char *const valid[] = { "vif",    "copybreak", "spare", "headroom",
				     "static", "split",	    "ctrl",  NULL };

/* Where the kernel lists its Xen devices; containers may see it elsewhere */
static const char *sysfs(void)
{
	const char *path = getenv("XENFRONT_SYSFS");

	return path ? path : SYSFS;
}

static bool has_driver(uint32_t vif)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/vif-%u/driver", sysfs(), vif);
	return access(path, F_OK) == 0;
}

/* --- arguments --- */

struct number {
	uint32_t *to, most;
};

static int parse_number(const char *key, const char *text, void *opaque)
{
	struct number *n = opaque;
	char *end;
	unsigned long value = strtoul(text ? text : "", &end, 10);

	if (!text || !*text || *end || *text == '-' || value > n->most) {
		rte_log(RTE_LOG_ERR, (uint32_t)xf_logtype, DRIVER ": %s=%s: wanted 0 to %u\n", key,
			text ? text : "", n->most);
		return -EINVAL;
	}
	*n->to = (uint32_t)value;
	return 0;
}

/* The number at the end of the device's name, as in net_xenfront3 */
static uint32_t name_number(const char *name)
{
	size_t len = strlen(name);

	while (len && name[len - 1] >= '0' && name[len - 1] <= '9')
		len--;
	return (uint32_t)strtoul(name + len, NULL, 10);
}

static int args_read(const char *name, const char *text, struct xf_args *args)
{
	uint32_t lend = 1, split = 1, ctrl = 1;
	struct number numbers[] = {
		{ &args->vif, 65535 },	{ &args->copybreak, 65535 },
		{ &args->spare, 4096 }, { &args->headroom, 512 },
		{ &lend, 1 },		{ &split, 1 },
		{ &ctrl, 1 },
	};
	struct rte_kvargs *kvargs;
	int err = 0;

	*args = (struct xf_args){ .vif = name_number(name), .copybreak = 128, .spare = 256 };
	kvargs = rte_kvargs_parse(text, valid);
	if (!kvargs) {
		rte_log(RTE_LOG_ERR, (uint32_t)xf_logtype,
			DRIVER ": %s: unknown or incomplete argument in '%s'; known are vif, "
			       "copybreak, spare, headroom, static, split, ctrl\n",
			name, text);
		return -EINVAL;
	}
	for (size_t i = 0; valid[i] && !err; i++)
		err = rte_kvargs_process(kvargs, valid[i], parse_number, &numbers[i]);
	rte_kvargs_free(kvargs);
	args->static_grants = lend;
	args->split = split;
	args->ctrl = ctrl;
	return err ? -EINVAL : 0;
}

/* --- a port --- */

static int take_vif(struct xf_port *port)
{
	int err = xf_store_open(&port->store, port->vif);

	if (err) {
		XF_LOG(ERR, port, "%s",
		       err == -ENOENT ? "there is no such interface in this domain" :
					"cannot reach xenstore (/dev/xen/xenbus): is this a Xen "
					"guest, and xen_gntalloc and xen_evtchn loaded?");
		return err;
	}
	if (has_driver(port->vif)) {
		XF_LOG(ERR, port,
		       "the kernel's driver holds it: echo vif-%u > %s/vif-%u/driver/unbind",
		       port->vif, sysfs(), port->vif);
		return -EBUSY;
	}
	port->lock_fd = xf_store_lock(&port->store);
	if (port->lock_fd == -EBUSY)
		XF_LOG(ERR, port, "another process has it");
	else if (port->lock_fd < 0)
		XF_LOG(ERR, port, "no lock file in /run or RUNTIME_DIRECTORY: %s",
		       strerror(-port->lock_fd));
	return port->lock_fd < 0 ? port->lock_fd : 0;
}

int xf_port_open(struct xf_port *port)
{
	int err;

	port->lock_fd = port->watcher_wake = -1;
	pthread_mutex_init(&port->life, NULL);
	pthread_mutex_init(&port->lock, NULL);
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		port->queue[i].poll_fd = port->queue[i].wake = -1;
	err = take_vif(port);
	for (uint32_t i = 0; i < XF_QUEUES_MAX && !err; i++)
		err = xf_queue_init(port, i);
	if (!err)
		err = xf_store_mac(&port->store, &port->mac);
	if (!err) {
		port->gnt = xengntshr_open(NULL, 0);
		if (!port->gnt) {
			err = errno ? -errno : -ENODEV;
			XF_LOG(ERR, port, "no grants: %s; modprobe xen_gntalloc", strerror(-err));
		}
	}
	if (!err) {
		xf_begin(port, false);
		err = xf_take(port);
		xf_end(port);
	}
	if (!err)
		err = xf_watch_start(port);
	if (err)
		xf_port_close(port);
	return err;
}

void xf_port_close(struct xf_port *port)
{
	uint32_t lent;

	xf_watch_stop(port);
	xf_flows_free(port);
	xf_pools_free(port);
	lent = xf_shares_reap(&port->retired);
	if (lent)
		XF_LOG(WARNING, port, "%u received frames are still in use; they are not freed",
		       lent);
	else if (port->gnt)
		xengntshr_close(port->gnt);
	port->gnt = NULL;
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		xf_queue_fini(&port->queue[i]);
	/* Nobody's: as the kernel finds a vif that it has not seen yet */
	if (port->store.xs && port->lock_fd >= 0 && !port->removed)
		xf_store_set_state(&port->store, XF_INITIALISING);
	xf_store_close(&port->store);
	if (port->lock_fd >= 0)
		close(port->lock_fd);
	port->lock_fd = -1;
	pthread_mutex_destroy(&port->lock);
	pthread_mutex_destroy(&port->life);
}

static int port_create(struct rte_vdev_device *vdev, const struct xf_args *args)
{
	struct rte_eth_dev *dev = rte_eth_vdev_allocate(vdev, sizeof(struct xf_port));
	struct xf_port *port;
	int err;

	if (!dev)
		return -ENOMEM;
	port = dev->data->dev_private;
	port->dev = dev;
	port->port_id = dev->data->port_id;
	port->vif = args->vif;
	port->args = *args;
	dev->data->mac_addrs = &port->mac;
	dev->dev_ops = &xf_ops;
	dev->rx_pkt_burst = xf_rx_burst;
	dev->tx_pkt_burst = xf_tx_burst;
	dev->tx_pkt_prepare = xf_tx_prepare;
	dev->data->dev_flags |= RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_INTR_RMV |
				RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	dev->intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	err = dev->intr_handle ? xf_port_open(port) : -ENOMEM;
	if (err) {
		rte_intr_instance_free(dev->intr_handle);
		dev->data->mac_addrs = NULL;
		rte_eth_dev_release_port(dev);
		return err;
	}
	xf_link_set(port);
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct xf_args args;
	int err;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		rte_log(RTE_LOG_ERR, (uint32_t)xf_logtype,
			DRIVER ": %s: secondary processes are not supported\n", name);
		return -ENOTSUP;
	}
	err = args_read(name, rte_vdev_device_args(vdev), &args);
	return err ? err : port_create(vdev, &args);
}

static int remove_vdev(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (!dev)
		return 0;
	if (dev->data->dev_started)
		rte_eth_dev_stop(dev->data->port_id); /* one that runs is not closed */
	return rte_eth_dev_close(dev->data->port_id);
}

static struct rte_vdev_driver driver = { .probe = probe, .remove = remove_vdev };

RTE_PMD_REGISTER_VDEV(net_xenfront, driver);
RTE_PMD_REGISTER_PARAM_STRING(net_xenfront, "vif=<number> copybreak=<bytes> spare=<pages> "
					    "headroom=<bytes> static=<0|1> split=<0|1> ctrl=<0|1>");

/* --- scan --- */

static bool is_named(uint32_t vif)
{
	struct rte_devargs *devargs;

	RTE_EAL_DEVARGS_FOREACH("vdev", devargs)
	{
		struct xf_args args;

		if (strncmp(devargs->name, DRIVER, strlen(DRIVER)) == 0 &&
		    !args_read(devargs->name, devargs->args ? devargs->args : "", &args) &&
		    args.vif == vif)
			return true;
	}
	return false;
}

static void offer(uint32_t vif)
{
	struct rte_devargs *devargs;

	if (has_driver(vif) || is_named(vif))
		return;
	devargs = calloc(1, sizeof(*devargs));
	if (!devargs)
		return;
	devargs->bus = rte_bus_find_by_name("vdev");
	devargs->type = RTE_DEVTYPE_VIRTUAL;
	devargs->policy = RTE_DEV_ALLOWED;
	snprintf(devargs->name, sizeof(devargs->name), DRIVER "_vif%u", vif);
	if (asprintf(&devargs->data, "vif=%u", vif) < 0) {
		free(devargs);
		return;
	}
	devargs->args = devargs->data;
	if (rte_devargs_insert(&devargs) < 0) {
		free(devargs->data);
		free(devargs);
	}
}

static void scan(void *arg)
{
	DIR *dir = opendir(sysfs());
	struct dirent *entry;
	uint32_t vif;
	char end;

	(void)arg;
	if (!dir)
		return; /* no Xen guest */
	while ((entry = readdir(dir)) != NULL)
		if (sscanf(entry->d_name, "vif-%u%c", &vif, &end) == 1 && vif <= 65535)
			offer(vif);
	closedir(dir);
}

RTE_INIT(xf_scan_register)
{
	rte_vdev_add_custom_scan(scan, NULL);
}
