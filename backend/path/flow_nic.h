/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of a guest's flow rules a NIC may enforce in place of the packet path, so that nobody can
 * tell the difference.
 *
 * The path goes on enforcing all of them: a NIC only drops, earlier, what the path would drop. So a
 * NIC that drops less than a rule says is right, too, and one that drops more is not:
 *
 * - It drops by addresses alone. Whether a pattern with a type, an IP header or a port is met by
 *   tagged frames, fragments and frames with options differs from driver to driver, and cannot be
 *   asked for (mlx5: ETH with type IPv4 matches behind an 802.1ad tag).
 * - It drops what goes to the vif's own address alone. Of other frames some are not the guest's to
 *   drop: groups that it does not want or that bridges keep, its own frames that come back.
 * - No rule with COUNT: rte_flow does not say what belongs to a frame's bytes.
 * - No earlier rule could count such a frame, or decide something else.
 * - Nothing else that the path does before it looks at rules could show the difference
 *   (flow_nic_bars()).
 */
#ifndef VIFD_PATH_FLOW_NIC_H
#define VIFD_PATH_FLOW_NIC_H

#include "port/port.h"
#include "flows.h"

struct path_live;

/** flow_nic_bars() - Return: why with these settings each frame has to be seen; NULL: it has not */
const char *flow_nic_bars(const struct path_live *live);

/**
 * flow_nic_drop() - May a NIC do some of what the rule at @index does?
 * @mac:  the vif's
 * @drop: that part of it
 *
 * Any thread.
 */
bool flow_nic_drop(const struct flows *flows, uint32_t index, const struct rte_ether_addr *mac,
		   struct port_drop *drop);

#endif
