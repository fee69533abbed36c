/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands for VFs that DPDM packs into the 32 bits of ethtool's private flags:
 *
 *	31     a command for a VF
 *	30:24  VF
 *	23:21  operation
 *	20:18  step: a mask of 64 bits comes in four parts (1 to 4), then the command (0)
 *	17:16  0
 *	15:0   operand; of modes, bit 15 = set, not reset
 */
#ifndef VIFD_POLICY_PRIVFLAGS_H
#define VIFD_POLICY_PRIVFLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVFLAGS_WHY_MAX 160u
#define PRIVFLAGS_STEPS 4u
#define PRIVFLAGS_NAME_MAX 16u
#define PRIVFLAGS_SET (1u << 15)

enum privflags_op {
	PRIVFLAGS_FEATURE,
	PRIVFLAGS_RX_MODE,
	PRIVFLAGS_STATS,
	PRIVFLAGS_VLAN_FILTER,
	PRIVFLAGS_VLAN_INSERT,
	PRIVFLAGS_RATE,
	PRIVFLAGS_QUEUE_RATE,
	PRIVFLAGS_OPS
};

/**
 * struct privflags - One command
 * @step: 1 to PRIVFLAGS_STEPS: a part of a mask, and nothing else
 * @mask: of VFs or queues, of operations that take one; of a step its part
 */
struct privflags {
	uint32_t flags, vf, op, step, operand;
	uint64_t mask;
};

/**
 * privflags_decode() - Take one command apart
 * @flags: the command
 * @mask:  of VFs or queues; parts are added to it, the command that uses it clears it
 * @why:   on failure: why it is none
 *
 * Return: 0, -EINVAL
 */
int privflags_decode(uint32_t flags, uint64_t *mask, struct privflags *command,
		     char why[PRIVFLAGS_WHY_MAX]);

/**
 * privflags_encode() - Make commands of words
 * @words: "op=feature", "vf=3", "set=broadcast,spoof-check" and so on
 * @flags: filled with as many as are returned, at most PRIVFLAGS_STEPS + 1
 * @why:   on failure
 *
 * Return: number of commands, -EINVAL
 */
int privflags_encode(char *const *words, int nr_words, uint32_t flags[PRIVFLAGS_STEPS + 1],
		     char why[PRIVFLAGS_WHY_MAX]);

/** privflags_op_name() - The word behind "op=" */
const char *privflags_op_name(enum privflags_op op);

/** privflags_steps() - The steps that an operation has, one bit each; 0 = there is no such one */
uint8_t privflags_steps(uint32_t op);

/** privflags_bit_name() - What DPDM calls a bit: "b0", "s2", "op1", "v6", "enable-vfd" */
void privflags_bit_name(uint32_t bit, char name[PRIVFLAGS_NAME_MAX]);

/**
 * privflags_names() - As `ethtool --set-priv-flags` wants them: "enable-vfd on v6 off ... b0 off"
 *
 * In this order, because ethtool takes b0 for a hexadecimal number if it comes first.
 */
void privflags_names(uint32_t flags, char *text, size_t size);

#endif
