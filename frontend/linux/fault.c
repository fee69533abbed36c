// SPDX-License-Identifier: GPL-2.0
/* What every other file may call when the back end breaks the protocol. */
#include <linux/netdevice.h>

#include "vifront.h"

/**
 * vifront_fault() - The back end broke the protocol: stop this device
 * @fe:    Interface
 * @queue: Where it was seen
 * @why:   Constant text
 *
 * Any context, never blocks. Logs once for each connection; the health
 * reporter follows from a work queue.
 */
void vifront_fault(struct vifront *fe, unsigned int queue, const char *why)
{
	if (cmpxchg(&fe->broken, false, true))
		return;
	fe->fault = why;
	fe->fault_queue = queue;
	fe->faults++;
	netif_carrier_off(fe->netdev);
	dev_alert(&fe->xbdev->dev, "queue %u: %s, device stopped\n", queue, why);
	schedule_work(&fe->fault_work);
}
