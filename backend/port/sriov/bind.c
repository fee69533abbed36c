/* SPDX-License-Identifier: BSD-3-Clause */
#include "bind.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "keep.h"
#include "sysfs.h"

LOG_TAG("bind");

bool bind_is_native(const char *driver)
{
	static const char *const drivers[] = { "vfio-pci", "uio_pci_generic", "igb_uio" };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

static bool exists(const char *root, const char *pci, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", root, pci, file);
	return access(path, F_OK) == 0;
}

int bind_driver(const char *root, const char *pci, char driver[BIND_NAME_MAX])
{
	char path[PATH_MAX];

	driver[0] = '\0';
	if (!exists(root, pci, ""))
		return -ENODEV;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", root, pci);
	sysfs_link_name(path, driver, BIND_NAME_MAX);
	return 0;
}

/* Write to @file below the PCI bus's folder. Return: 0, -errno */
static int put(const char *root, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/%s", root, file);
	return sysfs_write(path, text);
}

int bind_reset(const char *root, const char *pci)
{
	char file[96];

	snprintf(file, sizeof(file), "devices/%s/reset", pci);
	return put(root, file, "1");
}

/* Bind to @driver; "" = the one that the kernel chooses. Return: 0, -errno */
static int rebind(const char *root, const char *pci, const char *driver)
{
	char file[96];
	char now[BIND_NAME_MAX];
	int ret;

	snprintf(file, sizeof(file), "devices/%s/driver_override", pci);
	ret = put(root, file, driver[0] ? driver : "\n");
	snprintf(file, sizeof(file), "devices/%s/driver/unbind", pci);
	if (ret == 0 && exists(root, pci, "driver"))
		ret = put(root, file, pci);
	if (ret == 0)
		ret = put(root, "drivers_probe", pci);
	if (ret == 0 && driver[0])
		ret = bind_driver(root, pci, now);
	return ret == 0 && driver[0] && strcmp(now, driver) ? -EBUSY : ret;
}

/* Return: the driver to bind the function to, NULL = there is none */
static const char *choose(const char *root, const char *pci, bool physical)
{
	const char *driver = NULL;
	char path[PATH_MAX];

	if (exists(root, pci, "iommu_group"))
		driver = "vfio-pci";
	else if (physical)
		driver = "uio_pci_generic";
	if (!driver) {
		log_warn("%s: it has no IOMMU, without which devices do not reach our memory: "
			 "its netdev is used",
			 pci);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s", root, driver);
	if (access(path, F_OK) == 0)
		return driver;
	log_warn("%s: %s is not loaded ('modprobe %s' before vifd starts): its netdev is used", pci,
		 driver, driver);
	return NULL;
}

int bind_take(const char *root, const char *pci, bool physical, char was[BIND_NAME_MAX])
{
	const char *driver = choose(root, pci, physical);
	char name[BIND_NAME_MAX];
	int ret = driver ? bind_driver(root, pci, was) : -ENODEV;

	if (ret < 0)
		return ret;
	snprintf(name, sizeof(name), "bind-%.16s", pci);
	keep_original(name, was, BIND_NAME_MAX);
	if (bind_is_native(was)) {
		keep_forget(name);
		return 1;
	}
	ret = rebind(root, pci, driver);
	if (ret == 0)
		return 0;
	log_warn("%s: %s does not take it: %s: its netdev is used", pci, driver, strerror(-ret));
	bind_give_back(root, pci, was);
	return ret;
}

void bind_give_back(const char *root, const char *pci, const char *was)
{
	char name[BIND_NAME_MAX];
	int ret = rebind(root, pci, "");

	if (ret < 0 && exists(root, pci, ""))
		log_warn("%s: it cannot be given back to %s: %s", pci, was[0] ? was : "no driver",
			 strerror(-ret));
	snprintf(name, sizeof(name), "bind-%.16s", pci);
	keep_forget(name);
}
