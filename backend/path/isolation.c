/* SPDX-License-Identifier: BSD-3-Clause */
#include "isolation.h"

#include <string.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_mbuf_dyn.h>

#include "base/mac.h"
#include "base/mac_table.h"

#define ADDRESSES_MAX 8192u

/* The table says of an address: its vif's id, twice, and 1 more if that is isolated. */
#define ISOLATED 1u

static struct rte_hash *table;
static void (*wait_for_workers)(void);
static uint32_t nr_isolated, last_id;

/* The bit is ours: no driver or library may use it for something else. */
static int take_mark(void)
{
	static const struct rte_mbuf_dynflag mark = { .name = "vifd_isolated" };

	return rte_mbuf_dynflag_register_bitnum(&mark, ISOLATION_MARK_BIT) < 0 ? -rte_errno : 0;
}

int isolation_start(void (*barrier)(void))
{
	int ret = take_mark();

	if (ret)
		return ret;
	table = mac_table_create("isolation", ADDRESSES_MAX);
	wait_for_workers = barrier;
	nr_isolated = 0;
	return table ? 0 : -rte_errno;
}

void isolation_stop(void)
{
	rte_hash_free(table);
	table = NULL;
}

/* Return: what the table says of it, 0 = nothing */
static uintptr_t look_up(const struct rte_ether_addr *mac)
{
	void *said;

	return table && rte_hash_lookup_data(table, mac, &said) >= 0 ? (uintptr_t)said : 0;
}

static bool is_others(uint32_t id, const struct rte_ether_addr *mac)
{
	uintptr_t said = look_up(mac);

	return said && said / 2 != id;
}

static void take_out(const struct isolation *vif, const struct isolation *now)
{
	int32_t positions[MACS_MAX + 1];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < vif->nr_macs; i++) {
		if (mac_is_in(now->macs, now->nr_macs, &vif->macs[i]) ||
		    is_others(vif->id, &vif->macs[i]))
			continue;
		positions[nr] = rte_hash_del_key(table, &vif->macs[i]);
		nr += positions[nr] >= 0;
	}
	if (nr && wait_for_workers)
		wait_for_workers();
	while (nr)
		rte_hash_free_key_with_position(table, positions[--nr]);
}

static bool same(const struct isolation *a, const struct isolation *b)
{
	return a->isolated == b->isolated && a->nr_macs == b->nr_macs &&
	       !memcmp(a->macs, b->macs, a->nr_macs * sizeof(a->macs[0]));
}

bool isolation_tell(struct isolation *vif, const struct isolation *now)
{
	uint32_t id = vif->id ? vif->id : ++last_id;
	bool changed = !same(vif, now), unlisted = false;

	if (!table)
		return false;
	nr_isolated += (uint32_t)now->isolated - (uint32_t)vif->isolated;
	take_out(vif, now);
	for (uint32_t i = 0; i < now->nr_macs; i++)
		if (!is_others(id, &now->macs[i]) &&
		    rte_hash_add_key_data(table, &now->macs[i],
					  (void *)((uintptr_t)id * 2 + now->isolated)))
			unlisted = true;
	*vif = *now;
	vif->id = id;
	vif->unlisted = unlisted;
	return changed;
}

bool isolation_is_isolated(void)
{
	return nr_isolated > 0;
}

bool isolation_separates(const struct rte_ether_addr *mac, bool isolated)
{
	uintptr_t said = look_up(mac);

	return said && (!isolated || said & ISOLATED);
}
