/* SPDX-License-Identifier: BSD-3-Clause */
#include "names.h"

#include <stdio.h>
#include <string.h>

#include "vif.h"

void names_read(const struct vif *vif, struct vif_names *names)
{
	struct store *store = vif->host->store;
	char key[16];

	snprintf(key, sizeof(key), "%u/name", vif->domid);
	if (store_get_text(store, "/local/domain", key, names->guest, sizeof(names->guest)) < 0)
		names->guest[0] = '\0';
	if (store_get_text(store, vif->backend, "vifname", names->vifname, sizeof(names->vifname)) <
	    0)
		names->vifname[0] = '\0';
}

void names_netdev(const struct vif *vif, char name[NAMES_NETDEV_MAX])
{
	struct vif_names names;

	names_read(vif, &names);
	if (names.vifname[0] && strlen(names.vifname) < NAMES_NETDEV_MAX)
		memcpy(name, names.vifname, strlen(names.vifname) + 1);
	else
		snprintf(name, NAMES_NETDEV_MAX, "vif%u.%u", vif->domid, vif->handle);
}

static bool is_called(const struct vif *vif, const char *name)
{
	const char *number = vif->name + strlen("vif ");
	char guest_handle[80];
	struct vif_names names;

	if (!strcmp(number, name))
		return true;
	names_read(vif, &names);
	snprintf(guest_handle, sizeof(guest_handle), "%s.%u", names.guest, vif->handle);
	return *name && (!strcmp(names.vifname, name) || !strcmp(names.guest, name) ||
			 (names.guest[0] && !strcmp(guest_handle, name)));
}

/* "g1 is 7.0 and 7.1: name one of them" */
static void add_candidate(char why[POLICY_ERROR_MAX], const char *name, const struct vif *vif)
{
	size_t len = strlen(why);

	if (len)
		snprintf(why + len, POLICY_ERROR_MAX - len, " %s", vif->name + strlen("vif "));
	else
		snprintf(why, POLICY_ERROR_MAX, "'%.64s' is several vifs, name one of them: %s",
			 name, vif->name + strlen("vif "));
}

struct vif *names_find(const struct host *host, const char *name, char why[POLICY_ERROR_MAX])
{
	struct vif *vif, *found = NULL;
	uint32_t nr = 0;

	why[0] = '\0';
	TAILQ_FOREACH (vif, &host->vifs, link) {
		if (!is_called(vif, name))
			continue;
		add_candidate(why, name, vif);
		found = vif;
		nr++;
	}
	if (!nr)
		snprintf(why, POLICY_ERROR_MAX,
			 "no such vif: '%.64s' is no DOMID.HANDLE, vifname or guest's name; "
			 "'vifctl list' shows them",
			 name);
	return nr == 1 ? found : NULL;
}
