/* SPDX-License-Identifier: BSD-3-Clause */
#include "stale.h"

#include <stddef.h>
#include <string.h>

#include "common/capability.h"

struct key {
	const char *name;
	uint32_t stale;
};

static const struct key backend_keys[] = {
	{ "state", STALE_STATE },
	{ "online", STALE_STATE },
	{ "hotplug-status", STALE_STATE },
	{ "frontend", STALE_STATE },
	{ "feature-sg", STALE_DRIVER },
	{ "policy", STALE_POLICY },
	{ "ip", STALE_POLICY },
	{ "vlan", STALE_POLICY },
	{ "mtu", STALE_POLICY },
	{ "rate", STALE_POLICY },
	{ "vifname", STALE_POLICY },
	{ NULL, 0 },
};

static const struct key frontend_keys[] = {
	{ "state", STALE_FRONTEND },
	{ "disconnect", STALE_GUEST },
	{ "request-multicast-control", STALE_GUEST },
	{ "xdp-headroom", STALE_GUEST },
	{ VIFCAP_NODE, STALE_RECORD },
	{ VIFCAP_NODE_ACK, STALE_RECORD },
	{ NULL, 0 },
};

/* Names end at '/': what lies below a folder concerns what the folder does. */
static uint32_t look_up(const struct key *keys, const char *key, uint32_t all)
{
	size_t len = strcspn(key, "/");

	if (!len)
		return all;
	for (; keys->name; keys++)
		if (strlen(keys->name) == len && !strncmp(keys->name, key, len))
			return keys->stale;
	return 0;
}

uint32_t stale_backend_key(const char *key)
{
	return look_up(backend_keys, key, STALE_ALL);
}

uint32_t stale_frontend_key(const char *key)
{
	return look_up(frontend_keys, key, STALE_ASKED);
}

bool stale_tells_vif(const char *key)
{
	static const char *const told[] = { "", "frontend", "frontend-id", "mac", "script" };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (!strcmp(key, told[i]))
			return true;
	return false;
}
