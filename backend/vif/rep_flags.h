/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that are 0 or 1, as the private flags of a vif's netdev: 'ethtool --set-priv-flags vif7.0
 * broadcast off' sets the rule broadcast=0. Control thread.
 */
#ifndef VIFD_VIF_REP_FLAGS_H
#define VIFD_VIF_REP_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "common/representor.h"
#include "policy/policy.h"

/** rep_flag_names() - Fill in the names. Return: how many */
uint32_t rep_flag_names(char names[REP_FLAGS_MAX][REP_COUNTER_NAME]);

/** rep_flags_of() - The rules' values, one bit each, in the order of the names */
uint32_t rep_flags_of(const struct policy_draft *draft);

/** rep_flag_words() - Those of @mask as words for vif_set_policy(), with the values in @flags */
void rep_flag_words(uint32_t mask, uint32_t flags, char *words, size_t size);

#endif
