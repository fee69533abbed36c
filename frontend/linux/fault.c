// SPDX-License-Identifier: GPL-2.0
/* Stopping a device whose back end broke the protocol. */
#include <linux/netdevice.h>

#include "vifront.h"

/**
 * vifront_fault() - Stop the device because the back end broke the protocol
 * @fe:    Interface
 * @queue: Index of the queue on which it happened
 * @why:   What happened, a constant string
 *
 * Any context, never blocks. Logs once per connection; a work item tells the
 * health reporter.
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
