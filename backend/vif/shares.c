/* SPDX-License-Identifier: BSD-3-Clause */
#include "shares.h"

#include <stdlib.h>

#include <rte_common.h>

#include "divide.h"
#include "vif.h"

#define ROWS_MAX 4096u
/*
 * From one look to the next, while much is sent and while it is not. A slow wire carries a few
 * large frames in BUSY_US, too few to tell who sends how much: a look waits until it may have
 * carried LOOK_BYTES.
 */
#define BUSY_US 100000u
#define QUIET_US 1000000u
#define LOOK_BYTES 131072u
/* Of the wire: more than this counts as busy, as full, and as still full. */
#define BUSY_PART(kbps) ((kbps) / 2)
#define FULL_PART(kbps) ((kbps) / 8 * 7)
#define STILL_FULL_PART(kbps) ((kbps) / 4 * 3)
/* What is left unused while the wire is full, so that nothing waits in the NIC, where nobody has a share. */
#define SPARE_PART(kbps) ((kbps) / 32)
/* A PF is asked to change a VF's rate this often at most, and for a change of this much at least. */
#define TELL_US 1000000u
#define PF_ABOVE(kbps) ((kbps) / 1000 * 9 / 8 + 1)

/*
 * struct shares_nic
 * @kbps: rate of its wire; looked up at @kbps_us
 * @full: its limits are in force
 * @classes: where the NIC has classes, instead
 */
struct shares_nic {
	uint64_t next_us, last_us, kbps_us;
	uint32_t kbps;
	bool full;
	struct class_shares classes;
};

/* @rows, @vifs: scratch of one look */
struct shares {
	struct host *host;
	struct shares_nic nics[CONFIG_NICS_MAX];
	struct divide_row rows[ROWS_MAX];
	struct vif *vifs[ROWS_MAX];
};

struct shares *shares_create(struct host *host)
{
	struct shares *shares = calloc(1, sizeof(*shares));

	if (shares)
		shares->host = host;
	return shares;
}

void shares_destroy(struct shares *shares)
{
	free(shares);
}

static uint64_t busy_us(uint32_t kbps)
{
	uint64_t us = LOOK_BYTES * 8000ull / RTE_MAX(kbps, 1u);

	return RTE_MIN(RTE_MAX(us, BUSY_US), QUIET_US);
}

static bool has_vf(const struct vif *vif)
{
	return path_get_port(vif->path)->kind == PORT_VF;
}

static uint64_t holds_of(const struct path *path)
{
	uint32_t last = path_nr_queues(path) - 1;

	return path_counted(path, COUNT_tx_hold_port, 0, last) +
	       path_counted(path, COUNT_tx_hold_rate, 0, last);
}

/* What it has sent since the last look, halfway from what it sent before. Return: frames waited */
static bool sample(struct vif *vif, uint64_t past_us)
{
	struct shares_vif *own = &vif->share;
	struct port *port = path_get_port(vif->path);
	uint64_t bytes = port_wire_bytes(port), held = holds_of(vif->path);
	bool waited = own->held != held;
	uint64_t kbps;

	if (own->port != port || bytes < own->bytes) {
		own->port = port;
		own->bytes = bytes;
		own->held = held;
		own->kbps = own->limit = 0;
		return false;
	}
	kbps = (bytes - own->bytes) * 8000 / past_us;
	own->kbps = (uint32_t)RTE_MIN((own->kbps + kbps) / 2, UINT32_MAX / 2);
	own->bytes = bytes;
	own->held = held;
	return waited;
}

static void fill_row(struct divide_row *row, struct vif *vif, uint64_t past_us)
{
	bool held = sample(vif, past_us);

	*row = (struct divide_row){
		.weight = vif->policy.draft.weight,
		.used = vif->share.kbps,
		.guaranteed = policy_guaranteed(&vif->policy.draft),
		.most = rate_kbps(vif->live.rate),
		.held = held,
		.limit = vif->share.limit,
	};
}

/* Seldom, and more than the limit: a PF that lags behind must not hold the VF below its share. */
static void tell_pf(struct vif *vif, uint64_t now_us)
{
	struct shares_vif *own = &vif->share;
	uint32_t mbps = own->limit && has_vf(vif) ? PF_ABOVE(own->limit) : 0;
	bool close = mbps && own->pf_mbps && mbps <= own->pf_mbps && mbps >= own->pf_mbps / 4 * 3;

	if (mbps == own->pf_mbps || close || now_us - own->told_us < TELL_US)
		return;
	own->pf_mbps = mbps;
	own->told_us = now_us;
	vif_tell_port(vif, path_get_port(vif->path));
}

/* A move waits until the old port is empty: what little is left there is not held. */
static void let_go(struct port *old)
{
	if (old)
		port_set_share(old, 0);
}

/* The switch has what its vifs want together; the first of them to want more has its share at once. */
static void apply(struct shares *shares, struct nic *nic, uint32_t nr, bool limited,
		  uint64_t now_us)
{
	uint64_t together = 0;

	for (uint32_t i = 0; i < nr; i++) {
		const struct divide_row *row = &shares->rows[i];
		struct vif *vif = shares->vifs[i];

		vif->share.limit = limited ? row->limit : 0;
		let_go(path_get_old_port(vif->path));
		if (has_vf(vif))
			port_set_share(path_get_port(vif->path), vif->share.limit);
		else
			together += row->gets;
		tell_pf(vif, now_us);
	}
	for (uint32_t i = 0; i < nr; i++)
		if (!has_vf(shares->vifs[i]))
			together = RTE_MAX(together, shares->rows[i].limit);
	nic_set_software_share(nic, limited ? (uint32_t)RTE_MIN(together, UINT32_MAX) : 0);
}

/* Is the wire full, and is there anything to divide? */
static bool is_full(const struct shares_nic *known, const struct divide_row *rows, uint32_t nr,
		    uint64_t sum)
{
	uint32_t senders = 0;

	for (uint32_t i = 0; i < nr; i++)
		senders += rows[i].used > 0;
	return senders > 1 &&
	       sum >= (known->full ? STILL_FULL_PART(known->kbps) : FULL_PART(known->kbps));
}

static void look_up_rate(struct shares_nic *known, struct nic *nic, uint64_t now_us)
{
	if (known->kbps_us && now_us - known->kbps_us < QUIET_US)
		return;
	known->kbps = (uint32_t)RTE_MIN((uint64_t)nic_capacity_mbps(nic) * 1000, UINT32_MAX);
	known->kbps_us = now_us;
}

/* A NIC with classes, whose rate is known. Return: us until the next look */
static uint32_t look_at_classes(struct shares *shares, uint32_t which,
				const struct config_nic *config, uint64_t now_us)
{
	struct shares_nic *known = &shares->nics[which];
	struct nic *nic = shares->host->nics[which];
	uint64_t past_us = RTE_MAX(now_us - known->last_us, 1u);
	uint32_t nr = 0;
	struct vif *vif;

	TAILQ_FOREACH (vif, &shares->host->vifs, link)
		if (vif->path && vif->nic == nic && nr < ROWS_MAX)
			shares->vifs[nr++] = vif;
	known->last_us = now_us;
	look_up_rate(known, nic, now_us);
	if (!known->kbps || !nr)
		return QUIET_US;
	return class_shares_divide(&known->classes, config, known->kbps, shares->vifs, shares->rows,
				   nr, past_us) ?
		       busy_us(known->kbps) :
		       QUIET_US;
}

/* Where no vif has a VF the switch divides the wire alone. Return: us until the next look */
static uint32_t look(struct shares *shares, uint32_t which, uint64_t now_us)
{
	struct shares_nic *known = &shares->nics[which];
	struct nic *nic = shares->host->nics[which];
	uint64_t past_us = RTE_MAX(now_us - known->last_us, 1u), sum = 0;
	uint32_t nr = 0;
	bool vfs = false, was_full = known->full;
	struct vif *vif;

	TAILQ_FOREACH (vif, &shares->host->vifs, link) {
		if (!vif->path || vif->nic != nic || nr == ROWS_MAX)
			continue;
		vfs |= has_vf(vif);
		shares->vifs[nr] = vif;
		fill_row(&shares->rows[nr], vif, past_us);
		sum += shares->rows[nr++].used;
	}
	known->last_us = now_us;
	if (vfs)
		look_up_rate(known, nic, now_us);
	known->full = vfs && known->kbps && is_full(known, shares->rows, nr, sum);
	if (known->full)
		known->full = divide(known->kbps - SPARE_PART(known->kbps), shares->rows, nr);
	if (known->full || was_full)
		apply(shares, nic, nr, known->full, now_us);
	return vfs && sum >= BUSY_PART(known->kbps) ? busy_us(known->kbps) : QUIET_US;
}

uint64_t shares_run(struct shares *shares, uint64_t now_us)
{
	uint64_t next_us = UINT64_MAX;

	for (uint32_t i = 0; i < shares->host->nr_nics; i++) {
		const struct config_nic *classes = nic_classes(shares->host->nics[i]);
		struct shares_nic *known = &shares->nics[i];

		if (now_us >= known->next_us)
			known->next_us =
				now_us + (classes ? look_at_classes(shares, i, classes, now_us) :
						    look(shares, i, now_us));
		next_us = RTE_MIN(next_us, known->next_us);
	}
	return next_us;
}
