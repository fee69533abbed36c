/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDM's commands (policy/privflags.h) in words. */
#ifndef VIFD_VIFCTL_PRIVFLAGS_JSON_H
#define VIFD_VIFCTL_PRIVFLAGS_JSON_H

#include <json-c/json.h>

#include "policy/privflags.h"

/**
 * privflags_json() - Say in words what one command is; arguments as of privflags_decode()
 *
 * The words are those that privflags_encode() takes; "policy" has vifd's rules for the same,
 * "unmet" what has none, and why.
 * Return: the caller's to put, NULL with @why
 */
struct json_object *privflags_json(uint32_t flags, uint64_t *mask, char why[PRIVFLAGS_WHY_MAX]);

#endif
