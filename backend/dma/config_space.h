/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration spaces of PCI functions that are bound to uio, opened by a process of its own.
 *
 * Theory of operation. Linux shows more than the first 64 bytes to nobody without CAP_SYS_ADMIN
 * when the file is opened, and vifd gives that up at its start. Some drivers of DPDK (virtio's)
 * read a function's list of capabilities, which lies behind them, and functions come at any time.
 * So a child that keeps this one capability opens the file of a uio device, given its number, and
 * hands over the descriptor; it can do nothing else, and ends with vifd. override.c has DPDK's
 * open() ask it.
 *
 * With vfio-pci this is not needed: DPDK reads there through the device's own descriptor.
 */
#ifndef VIFD_DMA_CONFIG_SPACE_H
#define VIFD_DMA_CONFIG_SPACE_H

/** config_space_start() - Start it; main thread, before privileges_drop(). Logs what fails */
void config_space_start(void);

/** config_space_stop() - The child ends */
void config_space_stop(void);

/**
 * config_space_open() - As open(@path, O_RDWR), by the child; any thread
 * @path: "/sys/class/uio/uio0/device/config"
 *
 * Return: descriptor, -1: another path, or the child could not
 */
int config_space_open(const char *path);

#endif
