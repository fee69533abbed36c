/* SPDX-License-Identifier: BSD-3-Clause */
#include "class_shares.h"

#include <rte_common.h>

#include "vif.h"

/* Of the wire or a class: above this the next look is soon; the wire is full, and still full. */
#define SOON_PART(kbps) ((kbps) / 16)
#define FULL_PART(kbps) ((kbps) / 8 * 7)
#define STILL_FULL_PART(kbps) ((kbps) / 4 * 3)
/* What is left unused of a full wire, so that nothing waits in the NIC, where nobody has a share. */
#define USED_PART(kbps) ((kbps) - (kbps) / 32)

static uint32_t percent(uint32_t kbps, uint32_t part)
{
	return (uint32_t)((uint64_t)kbps * part / 100);
}

static uint64_t waits_of(const struct path *path)
{
	return path_counted(path, COUNT_tx_hold_port, 0, path_nr_queues(path) - 1);
}

/* What it has sent in a class since the last look, halfway from what it sent before. */
static void sample_class(struct class_shares_vif *own, const struct wire_class *class, uint32_t of,
			 uint64_t past_us, bool port_full)
{
	uint64_t bytes = atomic_load_explicit(&class->bytes, memory_order_relaxed);
	uint64_t held = atomic_load_explicit(&class->held, memory_order_relaxed);
	uint64_t kbps = (bytes - own->of[of].bytes) * 8000 / past_us;

	own->of[of].kbps = (uint32_t)RTE_MIN((own->of[of].kbps + kbps) / 2, UINT32_MAX / 2);
	own->of[of].waits = own->of[of].held != held || (port_full && kbps);
	own->of[of].bytes = bytes;
	own->of[of].held = held;
}

static void sample(struct vif *vif, uint64_t past_us)
{
	struct class_shares_vif *own = &vif->class_share;
	struct port *port = path_get_port(vif->path);
	uint64_t waited = waits_of(vif->path);
	bool full = own->waited != waited;

	if (own->port != port) {
		*own = (struct class_shares_vif){ .port = port };
		for (uint32_t of = 0; of < CLASSES; of++) {
			own->of[of].bytes = port->wire.classes[of].bytes;
			own->of[of].held = port->wire.classes[of].held;
		}
		full = false;
	}
	own->waited = waited;
	for (uint32_t of = 0; of < CLASSES; of++)
		sample_class(own, &port->wire.classes[of], of, past_us, full);
}

static void fill_class(struct divide_row *row, struct vif *const *vifs, uint32_t nr, uint32_t of)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < nr; i++) {
		used += vifs[i]->class_share.of[of].kbps;
		row->held |= vifs[i]->class_share.of[of].waits;
	}
	row->used = (uint32_t)RTE_MIN(used, UINT32_MAX / 2);
}

/* The wire among the classes. Return: is much sent? */
static bool divide_wire(struct class_shares *shares, const struct config_nic *nic, uint32_t kbps,
			struct vif *const *vifs, uint32_t nr)
{
	struct divide_row rows[CLASSES] = { 0 };
	uint32_t most[CLASSES];
	uint64_t sum = 0;
	bool busy = false;

	for (uint32_t of = 0; of < CLASSES; of++) {
		most[of] = nic->class_max[of] < 100 ? percent(kbps, nic->class_max[of]) : 0;
		rows[of].weight = 1;
		rows[of].guaranteed = percent(USED_PART(kbps), nic->class_min[of]);
		rows[of].most = most[of];
		rows[of].limit = shares->limit[of];
		fill_class(&rows[of], vifs, nr, of);
		sum += rows[of].used;
		busy |= most[of] && rows[of].used >= SOON_PART(most[of]);
	}
	shares->full = sum >= (shares->full ? STILL_FULL_PART(kbps) : FULL_PART(kbps)) &&
		       divide(USED_PART(kbps), rows, CLASSES);
	for (uint32_t of = 0; of < CLASSES; of++) {
		shares->limit[of] = shares->full ? rows[of].limit : 0;
		if (most[of] && (!shares->limit[of] || shares->limit[of] > most[of]))
			shares->limit[of] = most[of];
	}
	return busy || sum >= SOON_PART(kbps);
}

/* What the vif is guaranteed goes to its classes as it uses them. */
static uint32_t guaranteed_in(const struct vif *vif, uint32_t of)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < CLASSES; i++)
		sum += vif->class_share.of[i].kbps;
	return sum ? (uint32_t)(policy_guaranteed(&vif->policy.draft) *
				(uint64_t)vif->class_share.of[of].kbps / sum) :
		     0;
}

/* A class among the vifs; while there is enough of it, each may have it all. */
static void divide_class(uint32_t limit, struct vif *const *vifs, struct divide_row *rows,
			 uint32_t nr, uint32_t of)
{
	bool divided;

	for (uint32_t i = 0; i < nr; i++)
		rows[i] = (struct divide_row){
			.weight = vifs[i]->policy.draft.weight,
			.used = vifs[i]->class_share.of[of].kbps,
			.guaranteed = guaranteed_in(vifs[i], of),
			.most = rate_kbps(vifs[i]->live.rate),
			.held = vifs[i]->class_share.of[of].waits,
			.limit = vifs[i]->class_share.of[of].limit,
		};
	divided = limit && divide(limit, rows, nr);
	for (uint32_t i = 0; i < nr; i++) {
		struct port *port = path_get_port(vifs[i]->path);
		uint32_t kbps = divided ? rows[i].limit : limit;

		vifs[i]->class_share.of[of].limit = kbps;
		atomic_store_explicit(&port->wire.classes[of].kbps, kbps, memory_order_relaxed);
	}
}

bool class_shares_divide(struct class_shares *shares, const struct config_nic *nic, uint32_t kbps,
			 struct vif *const *vifs, struct divide_row *rows, uint32_t nr,
			 uint64_t past_us)
{
	bool busy;

	for (uint32_t i = 0; i < nr; i++)
		sample(vifs[i], past_us);
	busy = divide_wire(shares, nic, kbps, vifs, nr);
	for (uint32_t of = 0; of < CLASSES; of++)
		divide_class(shares->limit[of], vifs, rows, nr, of);
	return busy;
}
