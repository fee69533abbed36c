// SPDX-License-Identifier: GPL-2.0
/* The module, and its driver on xenbus. */
#include <linux/module.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "vif.h"
#include "vifront.h"

static const struct xenbus_device_id main_ids[] = {
	{ "vif" },
	{ "" },
};

static struct xenbus_driver main_driver = {
	.name = "vifront",
	.ids = main_ids,
	.probe = vifront_vif_probe,
	.remove = vifront_vif_remove,
	.resume = vifront_vif_resume,
	.otherend_changed = vifront_vif_changed,
};

/* vifront_pf is loaded: it learns of all records that have been read before. */
void vifront_pf_register(const struct vifront_pf_ops *ops)
{
	vifront_pf_set(ops);
	if (driver_for_each_device(&main_driver.driver, NULL, NULL, vifront_vif_look))
		pr_warn("vifront: not all interfaces were looked at\n");
}
EXPORT_SYMBOL_GPL(vifront_pf_register);

void vifront_pf_unregister(void)
{
	vifront_pf_set(NULL);
}
EXPORT_SYMBOL_GPL(vifront_pf_unregister);

static int __init main_init(void)
{
	int rc = vifront_selftest();

	if (rc) {
		pr_err("vifront: self-test failed, module not loaded\n");
		return rc;
	}
	if (!xen_domain() || !xen_has_pv_nic_devices())
		return -ENODEV;
	return xenbus_register_frontend(&main_driver);
}

static void __exit main_exit(void)
{
	xenbus_unregister_driver(&main_driver);
}

module_init(main_init);
module_exit(main_exit);

MODULE_DESCRIPTION("Xen network front end with static grants and live capabilities");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:vif");
MODULE_ALIAS("xennet");
