/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netdevs of this host whose other end is a descriptor: the kernel's tun driver, in tap mode.
 *
 * Such a netdev stays when its descriptor is closed, and with it its addresses, its bridge and its
 * rules: another vifd continues where this one stopped. Its ifalias says whose it is, so that those
 * that nobody needs any more can be found. Control thread only; calls may block a little (rtnl).
 */
#ifndef VIFD_PORT_KERNEL_TUN_H
#define VIFD_PORT_KERNEL_TUN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * tun_make() - Make a netdev, and set it up; one of ours that is there is used as it is
 * @mtu: bytes
 *
 * Its address is fe:ff:ff:ff:ff:ff, as xen-netback's: no bridge takes it for its own. It ignores
 * router advertisements and has no IPv6 address of its own making.
 * Return: 0; -EEXIST: there is another netdev of that name; -errno
 */
int tun_make(const char *name, uint32_t mtu);

/** tun_remove() - One that is gone, or that is another's, is fine */
void tun_remove(const char *name);

/**
 * tun_open() - The other end of a netdev that tun_make() made
 *
 * Each frame has a struct virtio_net_hdr before it, and may lack its checksum or be a TCP segment
 * of up to 64 KiB, both ways. Return: descriptor that never blocks, -errno; -EBUSY: it has a user
 */
int tun_open(const char *name);

/** tun_sweep() - Remove those that a former vifd made, but for which @keep says yes */
void tun_sweep(bool (*keep)(void *arg, const char *name), void *arg);

#endif
