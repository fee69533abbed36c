// SPDX-License-Identifier: GPL-2.0
/* The module vifront_pf: which interfaces are virtual PFs. */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "pf.h"

static LIST_HEAD(pf_list); /* vifront's calls */

static struct vifront_pf *pf_find(const struct vifront *fe)
{
	struct vifront_pf *pf;

	list_for_each_entry(pf, &pf_list, entry)
		if (pf->fe == fe)
			return pf;
	return NULL;
}

static void pf_create(struct vifront *fe, const struct vifcap_vfs *vfs)
{
	struct vifront_pf *pf = kvzalloc(sizeof(*pf), GFP_KERNEL);
	int rc = -ENOMEM;

	if (pf) {
		pf->fe = fe;
		pf->vfs = *vfs;
		rc = pf_bus_add(pf);
	}
	if (!rc && !pf->pdev) { /* its driver was not bound */
		pf_bus_remove(pf);
		rc = -ENODEV;
	}
	if (rc) {
		netdev_warn(fe->netdev, "cannot be a virtual PF: error %d\n", rc);
		kvfree(pf);
		return;
	}
	list_add_tail(&pf->entry, &pf_list);
	netdev_info(fe->netdev, "virtual PF %s with %u VFs\n", pci_name(pf->pdev), vfs->nr);
}

static void pf_destroy(struct vifront_pf *pf)
{
	list_del(&pf->entry);
	pf_bus_remove(pf);
	kvfree(pf);
}

/* The VFs that the record names; also restores what a PF had before it connected again. */
static void pf_read(struct vifront *fe, struct vifront_pf *pf, struct vifcap_vfs *vfs)
{
	memset(vfs, 0, sizeof(*vfs));
	rtnl_lock();
	if (fe->cap.have && vifcap_has(&fe->cap.theirs, VIFCAP_WORD_VIRTUAL_VFS))
		*vfs = fe->cap.theirs.virtual_vfs;
	if (pf && fe->cap.have && pf->connection != fe->connection)
		pf_restore(pf);
	rtnl_unlock();
}

/*
 * A PF's number of VFs is constant for the kernel, so a PF whose VFs are others now
 * is made anew, as soon as none is in use. Without a record it is left alone: its
 * back end is not there at the moment.
 */
static void pf_changed(struct vifront *fe)
{
	struct vifront_pf *pf = pf_find(fe);
	struct vifcap_vfs vfs;

	pf_read(fe, pf, &vfs);
	if (pf && (!READ_ONCE(fe->cap.have) || READ_ONCE(pf->wanted) || !memcmp(&pf->vfs, &vfs, sizeof(vfs))))
		return;
	if (pf)
		pf_destroy(pf);
	if (vfs.nr)
		pf_create(fe, &vfs);
}

static void pf_gone(struct vifront *fe)
{
	struct vifront_pf *pf = pf_find(fe);

	if (pf)
		pf_destroy(pf);
}

static void pf_stop(void)
{
	struct vifront_pf *pf, *next;

	list_for_each_entry_safe(pf, next, &pf_list, entry)
		pf_destroy(pf);
}

static const struct vifront_pf_ops pf_ops = {
	.changed = pf_changed,
	.gone = pf_gone,
	.stop = pf_stop,
};

static int __init pf_init(void)
{
	int rc = pf_drivers_register();

	if (!rc)
		vifront_pf_register(&pf_ops);
	return rc;
}

static void __exit pf_exit(void)
{
	vifront_pf_unregister();
	pf_drivers_unregister();
}

module_init(pf_init);
module_exit(pf_exit);

MODULE_DESCRIPTION("Virtual SR-IOV PF for Xen network front ends");
MODULE_LICENSE("GPL");
