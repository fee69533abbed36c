/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The private flags of a vif's netdev. With representor = on they are the rules that are 0 or 1:
 * 'ethtool --set-priv-flags vif7.0 broadcast off' sets the rule broadcast=0. With dpdm they are the
 * 32 bits of DPDM's commands (policy/privflags.h), and show its features. Control thread.
 */
#ifndef VIFD_VIF_REP_FLAGS_H
#define VIFD_VIF_REP_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "rep/device.h"

/**
 * rep_flag_limits() - Fill in names of flags, and which commands they may be
 * @commands: DPDM's
 */
void rep_flag_limits(bool commands, struct rep_limits *limits);

/** rep_flags_of() - The rules' values, one bit each, in the order of the names */
uint32_t rep_flags_of(const struct policy_draft *draft);

/** rep_features_of() - The same as DPDM's features: a bit is set if all of its rules are */
uint32_t rep_features_of(const struct policy_draft *draft);

/** rep_flag_words() - Those of @mask as words for vif_set_policy(), with the values in @flags */
void rep_flag_words(uint32_t mask, uint32_t flags, char *words, size_t size);

#endif
