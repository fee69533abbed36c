/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vifront_pf: a PCI function that is an SR-IOV PF, for a vif whose host has
 * given it virtual VFs (doc/virtual-pf.md, ../../common/virtual_pf.h).
 *
 * Each PF has a root bus of its own, made in software, whose configuration
 * space is an array of bytes. The kernel's PCI core makes the VFs. The PF's
 * driver moves the vif's netdev below the PF, and gives it the operations on
 * VFs; the VF's driver has vifront make an interface on the VF's vif.
 *
 * Owners: a struct vifront_pf is made and freed in pf_main.c, in vifront's calls
 * of struct vifront_pf_ops. Its drivers use it while they are bound, which ends
 * before it is freed. Locks: vif.h.
 *
 * Calls go one way: pf_main, pf_pci, pf_driver, pf_ndo and pf_devlink; pf_ndo, pf_state;
 * pf_devlink, pf_rep, pf_rule, pf_match. Of the last three there is pf_rule.h.
 */
#ifndef VIFRONT_PF_H
#define VIFRONT_PF_H

#include <linux/ioport.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include "../../common/virtual_pf.h"
#include "vif.h"
#include "vifront.h"

/* Xen's vendor number, with device numbers that its list of reservations leaves free. */
#define PF_VENDOR 0x5853
#define PF_DEVICE 0xfff0
#define PF_VF_DEVICE 0xfff1

/* Bytes of configuration space with something in them; the rest reads 0. */
#define PF_CONFIG_BYTES 0x140

#define PF_ATTRS (VIFVPF_ATTR_LINK + 1)

/**
 * struct pf_vf - what a VF was set to, to be set again when the PF has reconnected
 * @set:   bits 1 << VIFVPF_ATTR_*: valid entries of @value
 * @value: data words 1 and 2 of the message
 * @state: as the host said last
 * @known: @state is valid, and nothing was set since
 */
struct pf_vf {
	u32 set;
	u32 value[PF_ATTRS][2];
	struct vifvpf_state state;
	bool known;
};

/**
 * struct vifront_pf - a virtual PF
 * @sysdata:    of its bus; has to be the first member
 * @entry:      of the list of all; vifront's calls
 * @fe:         interface of the PF
 * @bus:        its only function is the PF, until there are VFs
 * @busn:       the bus's number
 * @config:     configuration space of the PF; by the PCI core's lock
 * @pdev:       while the driver is bound; rtnl
 * @devlink:    while the driver is bound; its probe and remove. May be NULL
 * @ops:        the netdev's operations meanwhile
 * @own_ops:    those it had
 * @vfs:        handles of the VFs' vifs, by index; constant
 * @wanted:     VFs that the host was asked for; rtnl
 * @connection: of @fe at that time; rtnl
 * @asked:      the host was asked for the VFs' states, and nothing was set since; rtnl
 * @until:      jiffies until which it is not asked again; rtnl
 * @vf:         by index; rtnl
 * @switchdev:  there is a representor for each VF that is wanted; devlink's lock, and rtnl to write
 * @rep:        by index, NULL = none; rtnl, and @reps_lock
 * @reps_lock:  within rtnl
 * @poll:       asks for what representors show
 * @rules:      struct pf_rule, that tc has made; rtnl, and so for all that follows
 * @rules_unsure: nobody knows which of them the host has
 * @rules_asked: the host was asked for their counters
 * @rules_until: jiffies until which it is not asked again
 * @next_rule:  id of the next one
 */
struct vifront_pf {
	struct pci_sysdata sysdata;
	struct list_head entry;
	struct vifront *fe;
	struct pci_bus *bus;
	struct resource busn;
	u8 config[PF_CONFIG_BYTES];
	struct pci_dev *pdev;
	struct devlink *devlink;
	struct net_device_ops ops;
	const struct net_device_ops *own_ops;
	struct vifcap_vfs vfs;
	unsigned int wanted;
	u32 connection;
	bool asked;
	unsigned long until;
	struct pf_vf vf[VIFVPF_VFS_MAX];
	bool switchdev;
	struct net_device *rep[VIFVPF_VFS_MAX];
	struct mutex reps_lock;
	struct delayed_work poll;
	struct list_head rules;
	bool rules_unsure, rules_asked;
	unsigned long rules_until;
	u32 next_rule;
};

static inline struct vifront_pf *pf_of_bus(const struct pci_bus *bus)
{
	return container_of((struct pci_sysdata *)bus->sysdata, struct vifront_pf, sysdata);
}

/* PF and representors are ports of one switch. */
static inline int pf_eswitch_id(const struct vifront_pf *pf, struct netdev_phys_item_id *id)
{
	if (!READ_ONCE(pf->switchdev))
		return -EOPNOTSUPP;
	id->id_len = ETH_ALEN;
	memcpy(id->id, pf->fe->netdev->dev_addr, ETH_ALEN);
	return 0;
}

/* pf_pci.c: vifront's calls */
int pf_bus_add(struct vifront_pf *pf);
void pf_bus_remove(struct vifront_pf *pf);

/* pf_driver.c */
int pf_drivers_register(void);
void pf_drivers_unregister(void);

/* pf_devlink.c: without rtnl */
void pf_devlink_add(struct vifront_pf *pf);
void pf_devlink_remove(struct vifront_pf *pf);
void pf_eswitch_lock(struct vifront_pf *pf);
void pf_eswitch_unlock(struct vifront_pf *pf);
void pf_eswitch_enabled(struct vifront_pf *pf);
void pf_eswitch_disabled(struct vifront_pf *pf);

/* pf_ndo.c: under rtnl */
void pf_ndo_init(struct vifront_pf *pf);
int pf_want(struct vifront_pf *pf, unsigned int nr);
void pf_restore(struct vifront_pf *pf);

#endif
