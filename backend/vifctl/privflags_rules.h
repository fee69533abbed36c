/* SPDX-License-Identifier: BSD-3-Clause */
/* What DPDM's commands (privflags.h) mean as rules of a vif, or why they mean none. */
#ifndef VIFD_VIFCTL_PRIVFLAGS_RULES_H
#define VIFD_VIFCTL_PRIVFLAGS_RULES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

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

/**
 * privflags_bit_rules() - Add to @policy the rules of the bits in @mask, as they are in @operand
 * @unmet: filled with name and reason of each bit that has no rule and is set
 *
 * A rule that two bits stand for is 1 if one of them is.
 */
void privflags_bit_rules(struct json_object *policy, struct json_object *unmet,
			 const struct privflags_bit bits[PRIVFLAGS_BITS], uint32_t mask,
			 uint32_t operand);

/** privflags_rate_rule() - Mbit/s of the vif; 0 = no limit */
void privflags_rate_rule(struct json_object *policy, uint32_t mbps);

/** privflags_queue_rule() - The same of the queues in @queues, and none of the others */
void privflags_queue_rule(struct json_object *policy, uint64_t queues, uint32_t mbps);

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
