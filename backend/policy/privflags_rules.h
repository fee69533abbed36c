/* SPDX-License-Identifier: BSD-3-Clause */
/* What DPDM's commands (privflags.h) mean as rules of a vif, or why they mean none. */
#ifndef VIFD_POLICY_PRIVFLAGS_RULES_H
#define VIFD_POLICY_PRIVFLAGS_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "privflags.h"

#define PRIVFLAGS_BITS 16u

/**
 * struct privflags_bit - A bit of an operand
 * @name: NULL: it has no meaning
 * @keys: rules that are 1 or 0 as the bit is; none with @why
 * @why:  there is no such rule
 */
struct privflags_bit {
	const char *name;
	const char *keys[2];
	const char *why;
};

extern const struct privflags_bit privflags_features[PRIVFLAGS_BITS];
extern const struct privflags_bit privflags_rx_modes[PRIVFLAGS_BITS];

/** privflags_put - Told a name and what stands behind it */
typedef void privflags_put(void *arg, const char *name, const char *text);

/**
 * privflags_rules() - Tell @put the rules that a command stands for, key and value
 *
 * A feature that is not set is reset; of modes only those that are named change. A rule that two
 * bits stand for is 1 if one of them is. Of a VLAN for a filter it tells that one, if it is added:
 * privflags_vlans() makes a list of it.
 */
void privflags_rules(const struct privflags *command, privflags_put *put, void *arg);

/** privflags_unmet() - Tell @put the bits that are set and have no rule, and why */
void privflags_unmet(const struct privflags *command, privflags_put *put, void *arg);

/* The longest text of a set of VLANs: every other one */
#define PRIVFLAGS_VLANS_MAX 12288u

/**
 * privflags_vlans() - Add a VLAN to a list as the rule vlan-filter has it, or remove one
 * @now:  the list, "10,20-29"
 * @list: filled with the new one
 *
 * Return: 0, -EINVAL: it would be empty, or @now is no list
 */
int privflags_vlans(const char *now, uint32_t vlan, bool add, char list[PRIVFLAGS_VLANS_MAX]);

#endif
