/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vifront exports to vifront_pf: interfaces on vifs that are virtual VFs,
 * and control messages.
 *
 * A vif whose back end has the node virtual-pf is a virtual VF (doc/virtual-pf.md).
 * vifront parks it: it is bound, in state Closed, without an interface.
 * vifront_pf has interfaces made and removed on it.
 *
 * Locks, first to last: the device lock of the PF's vif, vifront_pf's operations,
 * the locks of PCI devices, the device lock of the VF's vif, struct vifront_vif's, rtnl.
 */
#ifndef VIFRONT_VIF_H
#define VIFRONT_VIF_H

#include <linux/device.h>
#include <xen/xenbus.h>

struct vifront;

/**
 * struct vifront_pf_ops - what vifront_pf does when something happens to an interface
 * @changed: its record was read: @fe may be a PF now, or has connected again
 * @gone:    @fe is about to be removed
 * @stop:    vifront_pf is unloaded: no further calls
 *
 * One call at a time, in process context without rtnl.
 */
struct vifront_pf_ops {
	void (*changed)(struct vifront *fe);
	void (*gone)(struct vifront *fe);
	void (*stop)(void);
};

/* main.c */
void vifront_pf_register(const struct vifront_pf_ops *ops);
void vifront_pf_unregister(void);

/* pf_hook.c */
void vifront_pf_set(const struct vifront_pf_ops *ops);
void vifront_pf_changed(struct vifront *fe);
void vifront_pf_gone(struct vifront *fe);

/* vif.c: vifront_vf_* process context without rtnl, sleep */
int vifront_vf_start(struct vifront *pf, unsigned int handle, struct device *parent);
void vifront_vf_stop(struct vifront *pf, unsigned int handle);
int vifront_vif_look(struct device *dev, void *unused);

/* vif.c: the driver's operations */
int vifront_vif_probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id);
void vifront_vif_remove(struct xenbus_device *xbdev);
int vifront_vif_resume(struct xenbus_device *xbdev);
void vifront_vif_changed(struct xenbus_device *xbdev, enum xenbus_state state);

#endif
