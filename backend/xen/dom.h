/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks the hypervisor about domains. Control thread
 * only. A driver domain without that privilege learns nothing, and every domain
 * counts as alive until xenstore says otherwise.
 */
#ifndef VIFD_XEN_DOM_H
#define VIFD_XEN_DOM_H

#include <stdbool.h>
#include <stdint.h>

struct dom;

/* The largest id that a domain has. */
#define DOM_ID_MAX 0x7fefu

/** dom_open() - Return: handle, NULL with errno set */
struct dom *dom_open(void);

/** dom_close() - NULL is fine */
void dom_close(struct dom *dom);

/** dom_alive() - Does the domain exist, and is it not being destroyed? True if Xen does not say */
bool dom_alive(struct dom *dom, uint16_t domid);

/**
 * dom_devices_guarded() - Does an IOMMU restrict this PV domain's devices?
 *
 * If it does, they reach only memory that is the domain's own or mapped for it.
 * Xen lets the devices of its first domain reach all memory unless it was started with
 * dom0-iommu=strict. It gives others devices only where an IOMMU restricts them (libxl refuses
 * "pci=" without one), but tells them nothing about it.
 */
bool dom_devices_guarded(struct dom *dom);

#endif
