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
#ifndef VIFD_VIFCTL_PRIVFLAGS_H
#define VIFD_VIFCTL_PRIVFLAGS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVFLAGS_WHY_MAX 160u
#define PRIVFLAGS_STEPS 4u

/**
 * privflags_decode() - Say in words what one command is
 * @flags: the command
 * @mask:  of VFs or queues; parts are added to it, the command that uses it clears it
 * @why:   on failure
 *
 * The words are those that privflags_encode() takes; "policy" has vifd's rules for the same,
 * "unmet" what has none, and why.
 * Return: the caller's to put, NULL with @why
 */
struct json_object *privflags_decode(uint32_t flags, uint64_t *mask, char why[PRIVFLAGS_WHY_MAX]);

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

/** privflags_names() - As `ethtool --set-priv-flags` wants them: "b0 on b1 off ..." */
void privflags_names(uint32_t flags, char *text, size_t size);

#endif
