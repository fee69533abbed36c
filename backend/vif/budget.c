/* SPDX-License-Identifier: BSD-3-Clause */
#include "budget.h"

#include <stdlib.h>

static uint64_t burst_us(const struct budget *budget)
{
	return (uint64_t)BUDGET_BURST_US * (1 + budget->nr_vifs);
}

/* Each vif may write its own lines when it connects. */
static void set_limits(struct budget *budget)
{
	budget->warnings.more = budget->nr_vifs;
	budget->events.more = budget->nr_vifs * 5;
}

struct budget *budget_get(struct budget_list *all, uint16_t domid)
{
	struct budget *budget;

	LIST_FOREACH (budget, all, link)
		if (budget->domid == domid)
			break;
	if (!budget) {
		budget = calloc(1, sizeof(*budget));
		if (!budget)
			return NULL;
		budget->domid = domid;
		LIST_INSERT_HEAD(all, budget, link);
	}
	budget->nr_vifs++;
	set_limits(budget);
	return budget;
}

void budget_put(struct budget *budget)
{
	if (!budget)
		return;
	budget->nr_vifs--;
	set_limits(budget);
	if (budget->nr_vifs)
		return;
	LIST_REMOVE(budget, link);
	free(budget);
}

static bool is_over(const struct budget *budget, uint64_t now_us)
{
	return budget->spent_us > now_us + burst_us(budget);
}

uint64_t budget_due_us(const struct budget *budget, uint64_t now_us)
{
	return is_over(budget, now_us) ? budget->spent_us - burst_us(budget) : now_us;
}

/* How much more than their own share those pay who are over their bursts. Return: factor, 1 or more */
static uint64_t crowd(const struct budget_list *all, uint64_t now_us)
{
	const struct budget *budget;
	uint32_t over = 0;

	LIST_FOREACH (budget, all, link)
		over += is_over(budget, now_us);
	return over <= BUDGET_CROWD ? 1 : (over + BUDGET_CROWD - 1) / BUDGET_CROWD;
}

static void spend(struct budget *budget, uint64_t cost_us, uint64_t most_us, uint64_t now_us)
{
	uint64_t limit_us = now_us + burst_us(budget) + most_us;

	if (budget->spent_us < now_us)
		budget->spent_us = now_us;
	budget->spent_us += cost_us;
	if (budget->spent_us > limit_us)
		budget->spent_us = limit_us;
}

void budget_charge(struct budget *budget, const struct budget_list *all, uint64_t requests,
		   uint64_t time_us, uint64_t now_us)
{
	uint64_t cost_us = requests * BUDGET_REQUEST_US + time_us * BUDGET_TIME;
	bool within = budget->spent_us + cost_us <= now_us + burst_us(budget);
	uint64_t factor = within ? 1 : crowd(all, now_us);

	budget->requests += requests;
	budget->time_us += time_us;
	spend(budget, cost_us * factor, BUDGET_WAIT_US * factor, now_us);
}

void budget_event(struct budget *budget, uint64_t now_us)
{
	spend(budget, BUDGET_EVENT_US, BUDGET_WAIT_US, now_us);
}
