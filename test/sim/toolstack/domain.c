// SPDX-License-Identifier: BSD-3-Clause
/* Domains and the nodes they live with */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack.h"

struct xs_handle *toolstack_open(void)
{
	char path[256];
	struct xs_handle *xs;
	const char *dir = simhv_dir();

	if (!dir) {
		fprintf(stderr, "simctl: say where the bed is: VIFD_SIM=DIR\n");
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/xs/0.sock", dir);
	setenv("XENSTORED_PATH", path, 1);
	xs = xs_open(0);
	if (!xs)
		fprintf(stderr, "simctl: %s: %s (is xenstored-sim running?)\n", path,
			strerror(errno));
	else if (simhv_attach())
		return NULL;
	return xs;
}

static bool put(struct xs_handle *xs, uint32_t domid, const char *key, const char *value,
		uint32_t owner)
{
	struct xs_permissions p[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = domid, .perms = XS_PERM_READ },
	};
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u%s", domid, key);
	return xs_write(xs, XBT_NULL, path, value, (unsigned int)strlen(value)) &&
	       xs_set_permissions(xs, XBT_NULL, path, p, owner ? 1 : 2);
}

static bool nodes_write(struct xs_handle *xs, uint32_t domid, const char *name)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", domid);
	return put(xs, domid, "", "", 0) && put(xs, domid, "/name", name, 0) &&
	       put(xs, domid, "/domid", id, 0) && put(xs, domid, "/device", "", 0) &&
	       put(xs, domid, "/control", "", 0) && put(xs, domid, "/data", "", domid) &&
	       put(xs, domid, "/attr", "", domid) && put(xs, domid, "/device/vif", "", 0);
}

int toolstack_create(struct xs_handle *xs, uint32_t domid, enum sim_dom_type type, const char *name)
{
	int id = simhv_dom_create(domid, type, name);

	if (id < 0) {
		fprintf(stderr, "simctl: create %s: %s\n", name, strerror(-id));
		return id;
	}
	if (nodes_write(xs, (uint32_t)id, name) && xs_introduce_domain(xs, (unsigned int)id, 1, 1))
		return id;
	id = -errno;
	fprintf(stderr, "simctl: create %s: %s\n", name, strerror(errno));
	return id;
}

int toolstack_kill(struct xs_handle *xs, uint32_t domid)
{
	int err = simhv_dom_destroy(domid);

	if (!err && !xs_release_domain(xs, domid))
		err = -errno;
	return err;
}

static int vifs_del(struct xs_handle *xs, uint32_t domid)
{
	char path[128];
	unsigned int nr = 0;
	char **names;
	int err = 0;

	snprintf(path, sizeof(path), "/libxl/%u/device/vif", domid);
	names = xs_directory(xs, XBT_NULL, path, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		int one = vif_del(xs, domid, (uint32_t)strtoul(names[i], NULL, 10), true);

		err = err ? err : one;
	}
	free(names);
	return err;
}

int toolstack_destroy(struct xs_handle *xs, uint32_t domid)
{
	int err = vifs_del(xs, domid), killed;
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	xs_rm(xs, XBT_NULL, path);
	snprintf(path, sizeof(path), "/libxl/%u", domid);
	xs_rm(xs, XBT_NULL, path);
	snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u", domid);
	xs_rm(xs, XBT_NULL, path);
	killed = toolstack_kill(xs, domid);
	return err ? err : killed;
}

int toolstack_domid(const char *name)
{
	char *end;
	unsigned long id = strtoul(name, &end, 10);

	if (*name && !*end)
		return id && id < SIM_DOMS && simhv_dom_is_live((uint32_t)id) ? (int)id : -ESRCH;
	for (uint32_t i = 1; i < SIM_DOMS; i++)
		if (simhv_dom_is_live(i) && !strcmp(simhv->dom[i].name, name))
			return (int)i;
	return -ESRCH;
}
