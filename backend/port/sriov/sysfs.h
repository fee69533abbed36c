/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files and links of sysfs: a number read, a text written, the name that a link leads to.
 *
 * Any thread. Paths begin with sysfs's root, which tests replace. Writing may wait for a driver.
 */
#ifndef VIFD_PORT_SRIOV_SYSFS_H
#define VIFD_PORT_SRIOV_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** sysfs_read_number() - Decimal, or hexadecimal with 0x. Return: 0, -errno */
int sysfs_read_number(const char *path, uint32_t *number);

/** sysfs_write() - Return: 0, -errno */
int sysfs_write(const char *path, const char *text);

/** sysfs_link_name() - Last part of a link's target, cut to @size. Return: 0, -errno; then "" */
int sysfs_link_name(const char *path, char *name, size_t size);

/** sysfs_first_entry() - First name in a folder that fits @size and isn't hidden; "" = none */
void sysfs_first_entry(const char *dir, char *name, size_t size);

/**
 * sysfs_netdev() - The netdev of a PCI function
 * @device: its folder
 *
 * That of virtio lies one level deeper, below its virtio device. Return: is there one? Else ""
 */
bool sysfs_netdev(const char *device, char *netdev, size_t size);

/**
 * sysfs_pci_of() - The PCI function of a netdev
 * @root: of sysfs
 *
 * Return: 0 the netdev is the function's, 1 it is that of a device on it (virtio), -errno none;
 * then ""
 */
int sysfs_pci_of(const char *root, const char *netdev, char *pci, size_t size);

/**
 * sysfs_any_entry() - Has @dir an entry that begins with @prefix and not with @but?
 * @but: NULL = any
 */
bool sysfs_any_entry(const char *dir, const char *prefix, const char *but);

#endif
