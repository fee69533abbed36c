/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel driver that a PCI function is bound to: a VF is taken from the driver that makes a
 * netdev of it, given to one that leaves it to a process, and given back.
 *
 * This is done by driver_override, so that no other function is affected. The former driver is kept
 * in the run folder (keep.h), in case vifd is killed. Control thread; may block for the drivers.
 */
#ifndef VIFD_PORT_SRIOV_BIND_H
#define VIFD_PORT_SRIOV_BIND_H

#include <stdbool.h>

#define BIND_NAME_MAX 32u

/** bind_driver() - Return: 0 and the driver's name, "" = none; -errno no such function */
int bind_driver(const char *root, const char *pci, char driver[BIND_NAME_MAX]);

/** bind_is_native() - Does a driver of this name leave its functions to a process? */
bool bind_is_native(const char *driver);

/**
 * bind_take() - Bind a function to vfio-pci if it has an IOMMU, else to uio_pci_generic
 * @root:     "/sys", or a test's
 * @physical: devices reach our memory without an IOMMU
 * @was:      out: its former driver
 *
 * On failure the function is bound as before, and the log says why and how to fix it.
 * Return: 0, 1 the admin bound it to such a driver and it stays so, -errno
 */
int bind_take(const char *root, const char *pci, bool physical, char was[BIND_NAME_MAX]);

/** bind_reset() - Have the kernel reset a function: it forgets all addresses. Return: 0, -errno */
int bind_reset(const char *root, const char *pci);

/** bind_give_back() - Bind a function to its former driver */
void bind_give_back(const char *root, const char *pci, const char *was);

#endif
