/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Divides a wire among the vifs that send by it. Pure: it reads a table and fills in rates.
 *
 * Theory of operation. What a vif wants is what it has sent of late and a little more; without
 * end, if it used up the rate that it had. All vifs get the same rate for each unit of weight,
 * but none more than it wants, and none less than it is guaranteed as long as it wants that: what
 * one of them leaves is the others'. If all of it fits the wire, nobody has a limit.
 *
 * A vif's limit is what its weight earns, whether it wants that much now or not: one that was
 * idle can begin at once, and has its share of what others want from the next division on.
 */
#ifndef VIFD_VIF_DIVIDE_H
#define VIFD_VIF_DIVIDE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct divide_row - One vif; rates in kbit/s
 * @weight:     its part among those that want more, above 0
 * @used:       what it has sent
 * @guaranteed: what it has before the weights
 * @most:       it can send no more than this, 0 = no limit of its own
 * @held:       frames of its waited because something was full
 * @limit:      in: from the last division; out: what it may send; 0 = no limit
 * @gets:       out: what of the wire is meant for it
 */
struct divide_row {
	uint32_t weight;
	uint32_t used, guaranteed, most;
	bool held;
	uint32_t limit, gets;
};

/**
 * divide() - Fill in @limit and @gets
 * @kbps: rate of the wire
 *
 * Return: false: there is enough for all of them
 */
bool divide(uint32_t kbps, struct divide_row *rows, uint32_t nr);

#endif
