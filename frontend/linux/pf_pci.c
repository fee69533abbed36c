// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI bus of a virtual PF, in software: configuration spaces of function 0,
 * the PF, and of its VFs from function 1 on while they are enabled. There are
 * no BARs and no interrupts, so nobody may enable these devices.
 *
 * Consumers want domain 0; any bus number does that no other bus has.
 */
#include "pf.h"

#define CONFIG_PCIE 0x40
#define CONFIG_SRIOV 0x100

static void config_put(u8 *config, unsigned int at, unsigned int bytes, u32 value)
{
	for (; bytes; bytes--, value >>= 8)
		config[at++] = value;
}

static u32 config_get(const u8 *config, unsigned int at, unsigned int bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | (at + bytes < PF_CONFIG_BYTES ? config[at + bytes] : 0);
	return value;
}

/* What PF and VFs have in common: an Ethernet controller, integrated into the root complex. */
static void config_fill(u8 *config, u16 vendor, u16 device)
{
	config_put(config, PCI_VENDOR_ID, 2, vendor);
	config_put(config, PCI_DEVICE_ID, 2, device);
	config_put(config, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	config_put(config, PCI_CLASS_DEVICE, 2, PCI_CLASS_NETWORK_ETHERNET);
	config_put(config, PCI_SUBSYSTEM_VENDOR_ID, 2, PF_VENDOR);
	config_put(config, PCI_CAPABILITY_LIST, 1, CONFIG_PCIE);
	config_put(config, CONFIG_PCIE, 1, PCI_CAP_ID_EXP);
	config_put(config, CONFIG_PCIE + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_RC_END << 4);
}

static void config_fill_pf(u8 *config, unsigned int vfs)
{
	config_fill(config, PF_VENDOR, PF_DEVICE);
	config_put(config, CONFIG_SRIOV, 4, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_INITIAL_VF, 2, vfs);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_TOTAL_VF, 2, vfs);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_VF_OFFSET, 2, 1);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_VF_STRIDE, 2, 1);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_VF_DID, 2, PF_VF_DEVICE);
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_SUP_PGSIZE, 4, 1); /* of 4 KiB */
	config_put(config, CONFIG_SRIOV + PCI_SRIOV_SYS_PGSIZE, 4, 1);
}

/* A VF's vendor and device read as all ones, so that a scan of the bus does not find it. */
static u32 config_get_vf(unsigned int at, unsigned int bytes)
{
	u8 config[PF_CONFIG_BYTES] = { 0 };

	config_fill(config, 0xffff, 0xffff);
	return config_get(config, at, bytes);
}

static bool config_has_vf(const u8 *config, unsigned int devfn)
{
	return config_get(config, CONFIG_SRIOV + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE &&
	       devfn <= config_get(config, CONFIG_SRIOV + PCI_SRIOV_NUM_VF, 2);
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	const u8 *config = pf_of_bus(bus)->config;

	if (!devfn)
		*value = config_get(config, where, size);
	else if (config_has_vf(config, devfn))
		*value = config_get_vf(where, size);
	else
		return PCIBIOS_DEVICE_NOT_FOUND;
	return PCIBIOS_SUCCESSFUL;
}

/* What the PCI core sets and reads back. BARs stay 0, so there are none. */
static bool config_is_writable(unsigned int at)
{
	static const struct {
		u16 at, bytes;
	} registers[] = {
		{ PCI_COMMAND, 2 },
		{ PCI_CACHE_LINE_SIZE, 2 },
		{ PCI_INTERRUPT_LINE, 1 },
		{ CONFIG_SRIOV + PCI_SRIOV_CTRL, 2 },
		{ CONFIG_SRIOV + PCI_SRIOV_NUM_VF, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (at >= registers[i].at && at < registers[i].at + registers[i].bytes)
			return true;
	return false;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	u8 *config = pf_of_bus(bus)->config;

	for (; size && !devfn; size--, where++, value >>= 8)
		if (config_is_writable(where))
			config[where] = value;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

/* Return: a bus number that is free in domain 0, or -1 */
static int bus_number(void)
{
	int i;

	for (i = 0; i < 255; i++)
		if (!pci_find_bus(0, (0x40 + i) % 255 + 1))
			return (0x40 + i) % 255 + 1;
	return -1;
}

/**
 * pf_bus_add() - Make the bus and the PF on it, to which the driver is bound at once
 * @pf: With fe and vfs
 *
 * Return: 0; -ENOSPC if there is no free bus number; -ENOMEM
 */
int pf_bus_add(struct vifront_pf *pf)
{
	LIST_HEAD(resources);
	int number, rc = 0;

	pf->sysdata.node = NUMA_NO_NODE;
	config_fill_pf(pf->config, pf->vfs.nr);
	pci_lock_rescan_remove();
	number = bus_number();
	if (number < 0) {
		rc = -ENOSPC;
		goto out;
	}
	pf->busn = (struct resource){ .name = "virtual PF", .flags = IORESOURCE_BUS,
				      .start = number, .end = number };
	pci_add_resource(&resources, &pf->busn);
	pf->bus = pci_create_root_bus(&pf->fe->xbdev->dev, number, &config_ops, &pf->sysdata,
				      &resources);
	if (!pf->bus) {
		pci_free_resource_list(&resources);
		rc = -ENOMEM;
		goto out;
	}
	pci_scan_child_bus(pf->bus);
	pci_bus_add_devices(pf->bus);
out:
	pci_unlock_rescan_remove();
	return rc;
}

/* Unbinds the drivers, which removes the VFs, and frees the bus. */
void pf_bus_remove(struct vifront_pf *pf)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(pf->bus);
	pci_remove_root_bus(pf->bus);
	pci_unlock_rescan_remove();
	pf->bus = NULL;
}
