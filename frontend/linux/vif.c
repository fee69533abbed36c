// SPDX-License-Identifier: GPL-2.0
/*
 * A vif, from probe to remove: it has an interface, or is a virtual VF and may
 * be parked without one, in state Closed. In an earlier state the kernel would
 * wait for it to connect, for minutes, when vifront is loaded.
 *
 * What a vif is stands in its back end's directory from InitWait on. A vif whose
 * back end is not as far is decided on later, by the xenwatch thread.
 *
 * An interface is started and stopped under the device's lock. The xenwatch
 * thread looks at it under vif->lock, which is never held while a watch is
 * unregistered: that waits for the xenwatch thread.
 *
 * Not protected against: a toolstack that removes a vif at the moment that its
 * interface is stopped. The xenwatch thread then waits for the device's lock
 * and the stop for that thread, as when a xenbus device is unbound by hand.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "../../common/virtual_pf.h"
#include "vif.h"
#include "vifront.h"

enum vif_kind {
	VIF_UNDECIDED,
	VIF_PLAIN,
	VIF_VIRTUAL_VF,
};

/**
 * struct vifront_vif - the driver's data of a xenbus device
 * @lock:     of the rest
 * @kind:     becomes VIF_PLAIN or VIF_VIRTUAL_VF once
 * @fe:       its interface, or NULL
 * @stopping: an interface is being removed, which changes the state by itself
 */
struct vifront_vif {
	struct mutex lock;
	enum vif_kind kind;
	struct vifront *fe;
	bool stopping;
};

static enum vif_kind vif_read_kind(const struct xenbus_device *xbdev)
{
	enum xenbus_state state = vifront_compat_backend_state(xbdev);

	if (state == XenbusStateUnknown || state == XenbusStateInitialising)
		return VIF_UNDECIDED;
	return xenbus_exists(XBT_NIL, xbdev->otherend, VIFVPF_NODE) ? VIF_VIRTUAL_VF : VIF_PLAIN;
}

/* Under vif->lock, or in probe. Return: 0 or -errno, which is logged */
static int vif_decide(struct xenbus_device *xbdev, struct vifront_vif *vif)
{
	struct vifront *fe;

	if (vif->kind == VIF_UNDECIDED)
		vif->kind = vif_read_kind(xbdev);
	if (vif->kind != VIF_PLAIN || vif->fe)
		return 0;
	fe = vifront_start(xbdev, &xbdev->dev);
	if (IS_ERR(fe))
		return PTR_ERR(fe);
	vif->fe = fe;
	return 0;
}

int vifront_vif_probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct vifront_vif *vif = kzalloc(sizeof(*vif), GFP_KERNEL);
	int rc;

	if (!vif)
		return -ENOMEM;
	mutex_init(&vif->lock);
	rc = vif_decide(xbdev, vif);
	if (rc) {
		kfree(vif);
		return rc;
	}
	dev_set_drvdata(&xbdev->dev, vif);
	/* the back end is in InitWait, or enters it when it sees Initialising */
	xenbus_switch_state(xbdev, vif->kind == VIF_VIRTUAL_VF ? XenbusStateClosed :
			    XenbusStateInitialising);
	return 0;
}

/* Takes the interface from the vif: the xenwatch thread does not see it from here on. */
static struct vifront *vif_take(struct vifront_vif *vif)
{
	struct vifront *fe;

	mutex_lock(&vif->lock);
	fe = vif->fe;
	vif->fe = NULL;
	vif->stopping = true;
	mutex_unlock(&vif->lock);
	return fe;
}

void vifront_vif_remove(struct xenbus_device *xbdev)
{
	struct vifront_vif *vif = dev_get_drvdata(&xbdev->dev);
	struct vifront *fe;

	if (vif->kind == VIF_PLAIN && vif->fe)
		vifront_pf_gone(vif->fe);
	fe = vif_take(vif);
	if (fe)
		vifront_stop(fe);
	else
		xenbus_switch_state(xbdev, XenbusStateClosed);
	dev_set_drvdata(&xbdev->dev, NULL);
	kfree(vif);
}

/* After restore or migration the old grants and event channels are void. */
int vifront_vif_resume(struct xenbus_device *xbdev)
{
	struct vifront_vif *vif = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&vif->lock);
	if (vif->fe) {
		rtnl_lock();
		vifront_disconnect(vif->fe);
		rtnl_unlock();
	}
	mutex_unlock(&vif->lock);
	return 0;
}

/* xenwatch thread */
void vifront_vif_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct vifront_vif *vif = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&vif->lock);
	if (!vif->stopping && !vif_decide(xbdev, vif)) {
		if (vif->fe)
			vifront_otherend_changed(vif->fe, state);
		else if (vif->kind == VIF_VIRTUAL_VF)
			xenbus_switch_state(xbdev, XenbusStateClosed); /* as after resume */
	}
	mutex_unlock(&vif->lock);
}

/* Has the record of a vif's interface looked at again; of driver_for_each_device(). */
int vifront_vif_look(struct device *dev, void *unused)
{
	struct vifront_vif *vif;

	device_lock(dev);
	vif = dev_get_drvdata(dev);
	if (vif) {
		mutex_lock(&vif->lock);
		if (vif->fe)
			schedule_work(&vif->fe->cap.work);
		mutex_unlock(&vif->lock);
	}
	device_unlock(dev);
	return 0;
}

/* Return: the VF's device, locked, with a reference and @vif set; NULL if there is none */
static struct device *vif_find(struct vifront *pf, unsigned int handle, struct vifront_vif **vif)
{
	struct device *dev;
	char name[16];

	snprintf(name, sizeof(name), "vif-%u", handle);
	dev = driver_find_device_by_name(pf->xbdev->dev.driver, name);
	if (!dev)
		return NULL;
	device_lock(dev);
	*vif = dev_get_drvdata(dev);
	if (*vif && (*vif)->kind == VIF_VIRTUAL_VF)
		return dev;
	device_unlock(dev);
	put_device(dev);
	return NULL;
}

static void vif_put(struct device *dev)
{
	device_unlock(dev);
	put_device(dev);
}

/**
 * vifront_vf_start() - Make the interface of a virtual VF
 * @pf:     Its PF
 * @handle: Of its vif
 * @parent: The VF's PCI function
 *
 * Connects if the back end is ready, otherwise as soon as it is.
 *
 * Return: 0; -ENODEV if there is no such vif, it is no virtual VF, or not known
 * as one yet; -EBUSY if it has an interface; else an error of vifront_start()
 */
int vifront_vf_start(struct vifront *pf, unsigned int handle, struct device *parent)
{
	struct xenbus_device *xbdev;
	struct vifront_vif *vif;
	struct vifront *fe;
	struct device *dev;
	int rc = -EBUSY;

	dev = vif_find(pf, handle, &vif);
	if (!dev)
		return -ENODEV;
	xbdev = to_xenbus_device(dev);
	mutex_lock(&vif->lock);
	if (!vif->fe) {
		fe = vifront_start(xbdev, parent);
		rc = PTR_ERR_OR_ZERO(fe);
		if (!rc) {
			vif->fe = fe;
			xenbus_switch_state(xbdev, XenbusStateInitialising);
			vifront_otherend_changed(fe, vifront_compat_backend_state(xbdev));
		}
	}
	mutex_unlock(&vif->lock);
	vif_put(dev);
	return rc;
}
EXPORT_SYMBOL_GPL(vifront_vf_start);

/**
 * vifront_vf_stop() - Remove the interface of a virtual VF, and park its vif
 * @pf:     Its PF
 * @handle: Of its vif; nothing happens if that is gone, or has no interface
 */
void vifront_vf_stop(struct vifront *pf, unsigned int handle)
{
	struct vifront_vif *vif;
	struct vifront *fe;
	struct device *dev;

	dev = vif_find(pf, handle, &vif);
	if (!dev)
		return;
	fe = vif_take(vif);
	if (fe)
		vifront_stop(fe);
	mutex_lock(&vif->lock);
	vif->stopping = false;
	mutex_unlock(&vif->lock);
	vif_put(dev);
}
EXPORT_SYMBOL_GPL(vifront_vf_stop);
