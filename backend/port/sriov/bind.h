/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of the kernel's drivers a PCI function is bound to: a VF is taken from the one that makes a
 * netdev of it and given to one that leaves it to a process, and back.
 *
 * By driver_override, so that nothing else is bound by it. What a function was bound to is kept in
 * the run folder (keep.h) for a vifd that was killed. Control thread; may block for the drivers.
 */
#ifndef VIFD_PORT_SRIOV_BIND_H
#define VIFD_PORT_SRIOV_BIND_H

#include <stdbool.h>

#define BIND_NAME_MAX 32u

/** bind_driver() - Return: 0 and the driver's name, "" = none; -errno no such function */
int bind_driver(const char *root, const char *pci, char driver[BIND_NAME_MAX]);

/**
 * bind_is_native() - Does a driver of this name leave its functions to a process?
 */
bool bind_is_native(const char *driver);

/**
 * bind_take() - Give a function to vfio-pci if an IOMMU stands before it, else to uio_pci_generic
 * @root:     "/sys", or a test's
 * @physical: devices reach our memory without an IOMMU
 * @was:      what it was bound to
 *
 * Logs why not, and what mends it; then it is bound as before.
 * Return: 0, 1 it is an admin's own doing and stays as it is, -errno
 */
int bind_take(const char *root, const char *pci, bool physical, char was[BIND_NAME_MAX]);

/**
 * bind_reset() - Have the kernel reset a function: it has forgotten all addresses then. Return: 0,
 * -errno
 */
int bind_reset(const char *root, const char *pci);

/** bind_give_back() - Bind it to @was again */
void bind_give_back(const char *root, const char *pci, const char *was);

#endif
