// SPDX-License-Identifier: GPL-2.0
/* The PCI drivers: of the PF, which makes VFs, and of a VF, which has a netdev. */
#include <linux/rtnetlink.h>

#include "pf.h"

/*
 * The netdev becomes a child of the PF, because that is how the kernel and its
 * users find the VFs. It keeps its name, addresses and traffic.
 */
static int drv_pf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);
	struct net_device *dev = pf->fe->netdev;
	int rc;

	if (pdev->is_virtfn)
		return -ENODEV;
	rtnl_lock();
	rc = device_move(&dev->dev, &pdev->dev, DPM_ORDER_DEV_AFTER_PARENT);
	if (!rc) {
		pf_ndo_init(pf);
		WRITE_ONCE(dev->netdev_ops, &pf->ops);
		pf->pdev = pdev;
	}
	rtnl_unlock();
	if (!rc)
		pf_devlink_add(pf);
	return rc;
}

static void drv_pf_disable(struct pci_dev *pdev)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);

	pf_eswitch_disabled(pf);
	pci_disable_sriov(pdev);
	rtnl_lock();
	pf_want(pf, 0);
	rtnl_unlock();
	schedule_work(&pf->fe->cap.work); /* the host may have given more meanwhile */
}

static int drv_pf_enable(struct pci_dev *pdev, int nr)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);
	int rc;

	rtnl_lock();
	rc = pf_want(pf, nr);
	rtnl_unlock();
	if (rc)
		return rc;
	rc = pci_enable_sriov(pdev, nr);
	if (!rc) {
		pf_eswitch_enabled(pf);
		return nr;
	}
	rtnl_lock();
	pf_want(pf, 0);
	rtnl_unlock();
	return rc;
}

static int drv_pf_configure(struct pci_dev *pdev, int nr)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);
	int rc = 0;

	pf_eswitch_lock(pf);
	if (nr)
		rc = drv_pf_enable(pdev, nr);
	else
		drv_pf_disable(pdev);
	pf_eswitch_unlock(pf);
	return rc;
}

static void drv_pf_remove(struct pci_dev *pdev)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);
	struct net_device *dev = pf->fe->netdev;

	pf_eswitch_lock(pf);
	if (pci_num_vf(pdev))
		drv_pf_disable(pdev);
	pf_eswitch_unlock(pf);
	pf_devlink_remove(pf);
	rtnl_lock();
	pf->pdev = NULL;
	WRITE_ONCE(dev->netdev_ops, pf->own_ops);
	if (device_move(&dev->dev, &pf->fe->xbdev->dev, DPM_ORDER_DEV_AFTER_PARENT))
		netdev_warn(dev, "cannot be moved back below %s\n", dev_name(&pf->fe->xbdev->dev));
	rtnl_unlock();
	synchronize_net(); /* nobody is in the PF's copy of the operations any more */
}

static int drv_vf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);
	int vf = pci_iov_vf_id(pdev);

	if (vf < 0 || vf >= pf->vfs.nr)
		return -ENODEV;
	return vifront_vf_start(pf->fe, pf->vfs.handle[vf], &pdev->dev);
}

static void drv_vf_remove(struct pci_dev *pdev)
{
	struct vifront_pf *pf = pf_of_bus(pdev->bus);

	vifront_vf_stop(pf->fe, pf->vfs.handle[pci_iov_vf_id(pdev)]);
}

static const struct pci_device_id drv_pf_ids[] = {
	{ PCI_DEVICE(PF_VENDOR, PF_DEVICE) },
	{ 0 },
};

static const struct pci_device_id drv_vf_ids[] = {
	{ PCI_DEVICE(PF_VENDOR, PF_VF_DEVICE) },
	{ 0 },
};

static struct pci_driver drv_pf = {
	.name = "vifront_pf",
	.id_table = drv_pf_ids,
	.probe = drv_pf_probe,
	.remove = drv_pf_remove,
	.sriov_configure = drv_pf_configure,
};

static struct pci_driver drv_vf = {
	.name = "vifront_vf",
	.id_table = drv_vf_ids,
	.probe = drv_vf_probe,
	.remove = drv_vf_remove,
};

int pf_drivers_register(void)
{
	int rc = pci_register_driver(&drv_vf);

	if (rc)
		return rc;
	rc = pci_register_driver(&drv_pf);
	if (rc)
		pci_unregister_driver(&drv_vf);
	return rc;
}

void pf_drivers_unregister(void)
{
	pci_unregister_driver(&drv_pf);
	pci_unregister_driver(&drv_vf);
}
