/* SPDX-License-Identifier: BSD-3-Clause */
/* links: config.c test/unit/fake_host.c */
#include "policy_fixture.h"

#include <stdio.h>

struct guest *guest;

int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	guest = host_connect(7);
	return host_path(7) ? 0 : -1;
}

int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

const struct policy *policy(void)
{
	return &host_path(7)->live.policy;
}

void rule(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), BACK "%s", key);
	if (value)
		fake_xs_put(path, "%s", value);
	else
		fake_xs_remove(path);
	host_settle();
}

uint32_t count_vlans(const uint64_t map[VLAN_WORDS])
{
	uint32_t nr = 0;

	for (uint16_t i = 0; i < VLANS; i++)
		nr += policy_vlan(map, i);
	return nr;
}
