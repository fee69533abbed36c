/* SPDX-License-Identifier: BSD-3-Clause */
/* One connected vif, 7.0, whose rules a test writes. */
#ifndef VIFD_TEST_POLICY_FIXTURE_H
#define VIFD_TEST_POLICY_FIXTURE_H

#include "backend/vif/vif.h"
#include "fake_host.h"

#define BACK HOST_BACK "7/0/"
#define NR(array) (sizeof(array) / sizeof((array)[0]))

extern struct guest *guest;

/* cmocka's: the vif connects; nothing is left of it */
int setup(void **state);
int teardown(void **state);

/* What the vif's worker goes by. */
const struct policy *policy(void);

/* Write @key below the vif's backend directory, or remove it where @value is NULL; the daemon has seen it. */
void rule(const char *key, const char *value);

uint32_t count_vlans(const uint64_t map[VLAN_WORDS]);

#endif
