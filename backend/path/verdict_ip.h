/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule ip, for verdict.c. */
#ifndef VIFD_PATH_VERDICT_IP_H
#define VIFD_PATH_VERDICT_IP_H

#include "verdict.h"

/**
 * verdict_ip() - May the guest send from the addresses that this frame names?
 * @policy: Table, with POLICY_IP
 * @frame:  As the guest sent it, an Ethernet header at least
 * @len:    Bytes of it that are at hand, from the first on
 *
 * Worker. Return: VERDICT_PASS, COUNT_tx_drop_ip or COUNT_tx_drop_arp
 */
enum path_counter verdict_ip(const struct policy *policy, const uint8_t *frame, uint32_t len);

#endif
