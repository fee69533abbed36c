/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names in vifd.conf that nothing on this host has. A device may come later, so it is no error; it
 * may as well be a slip of the pen, which vifd -t is to find.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

LOG_TAG("config");

static bool is_netdev(const char *name)
{
	return if_nametoindex(name) != 0;
}

static bool is_device(const char *name)
{
	char path[64];

	if (!strchr(name, ':'))
		return is_netdev(name);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s", name);
	return access(path, F_OK) == 0;
}

static uint32_t missing(const struct config *config, const char *section, const char *key,
			const char *name, const char *what)
{
	log_warn("%s: [%s] %s = %s: this host has no such %s now", config->file, section, key, name,
		 what);
	return 1;
}

static uint32_t look_at_devices(const struct config *config, const struct config_nic *nic,
				const char *section)
{
	char devices[sizeof(nic->devices)], *rest = devices, *name;
	uint32_t nr = 0;

	memcpy(devices, nic->devices, sizeof(devices));
	while ((name = strtok_r(rest, " \t", &rest)))
		if (!is_device(name))
			nr += missing(config, section, "devices", name,
				      "network device or PCI address");
	return nr;
}

static uint32_t look_at_nic(const struct config *config, const struct config_nic *nic)
{
	char section[CONFIG_NIC_NAME_MAX + 8];
	uint32_t nr = 0;

	snprintf(section, sizeof(section), "nic %s", nic->name);
	if (nic->pf[0] && !is_netdev(nic->pf))
		nr += missing(config, section, "pf", nic->pf, "network device");
	if (nic->uplink[0] && strcmp(nic->uplink, "none") != 0 && !is_netdev(nic->uplink))
		nr += missing(config, section, "uplink", nic->uplink, "network device");
	return nr + look_at_devices(config, nic, section);
}

uint32_t config_missing(const struct config *config)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < config->nr_nics; i++)
		nr += look_at_nic(config, &config->nics[i]);
	if (strcmp(config->policy_dir, CONFIG_POLICY_DIR) != 0 && access(config->policy_dir, F_OK))
		nr += missing(config, "daemon", "policy_dir", config->policy_dir, "folder");
	if (strcmp(config->capture_dir, CONFIG_CAPTURE_DIR) != 0 &&
	    access(config->capture_dir, F_OK))
		nr += missing(config, "daemon", "capture_dir", config->capture_dir, "folder");
	return nr;
}
