/* SPDX-License-Identifier: BSD-3-Clause */
#include "divide.h"

#include <math.h>

#include <rte_common.h>

/* A vif that uses this much of its limit wants more. */
#define FULL 0.9
/* Room to grow until the next division: of any vif, and of one whose frames wait. */
#define GROWS 1.05
#define HELD_GROWS 1.25
/* One whose frames wait has at least this part of what its weight earns it if all want all. */
#define HELD_PART 8.0
/* Of 2^HALVINGS levels the right one is found. */
#define HALVINGS 40
/* Nobody is shut out. */
#define LIMIT_MIN_KBPS 128.0

static double wants(const struct divide_row *row, double even)
{
	double want = row->used * GROWS;

	if (row->limit && row->used >= row->limit * FULL)
		want = INFINITY;
	else if (row->held)
		want = RTE_MAX(row->used * HELD_GROWS, even * row->weight / HELD_PART);
	return row->most ? RTE_MIN(want, (double)row->most) : want;
}

/* What the vif's weight or its guarantee earns it, if a unit of weight earns @level. */
static double earns(const struct divide_row *row, double level)
{
	return RTE_MAX(level * row->weight, (double)row->guaranteed);
}

static double sum_at(const struct divide_row *rows, uint32_t nr, double even, double level)
{
	double sum = 0;

	for (uint32_t i = 0; i < nr; i++)
		sum += RTE_MIN(earns(&rows[i], level), wants(&rows[i], even));
	return sum;
}

/* The level at which just all of the wire is given away. */
static double level_of(uint32_t kbps, const struct divide_row *rows, uint32_t nr, double even)
{
	double low = 0, high = kbps;

	for (uint32_t i = 0; i < HALVINGS; i++) {
		double level = (low + high) / 2;

		if (sum_at(rows, nr, even, level) > kbps)
			high = level;
		else
			low = level;
	}
	return low;
}

static void no_limits(struct divide_row *rows, uint32_t nr, double even)
{
	for (uint32_t i = 0; i < nr; i++) {
		double want = wants(&rows[i], even);

		rows[i].gets = want < UINT32_MAX ? (uint32_t)want : UINT32_MAX;
		rows[i].limit = 0;
	}
}

bool divide(uint32_t kbps, struct divide_row *rows, uint32_t nr)
{
	double even, level;
	uint64_t weights = 0;

	for (uint32_t i = 0; i < nr; i++)
		weights += rows[i].weight;
	even = weights ? (double)kbps / (double)weights : 0;
	/* one unit of weight may earn the whole wire: if that is not too much, nothing is */
	if (sum_at(rows, nr, even, kbps) <= kbps) {
		no_limits(rows, nr, even);
		return false;
	}
	level = level_of(kbps, rows, nr, even);
	for (uint32_t i = 0; i < nr; i++) {
		double limit =
			RTE_MIN(RTE_MAX(earns(&rows[i], level), LIMIT_MIN_KBPS), (double)kbps);

		rows[i].gets = (uint32_t)RTE_MIN(limit, wants(&rows[i], even));
		rows[i].limit = (uint32_t)limit;
	}
	return true;
}
