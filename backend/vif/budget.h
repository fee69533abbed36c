/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one guest may cost the control thread and xenstored: one budget for all the vifs of a
 * domain. Control thread only.
 *
 * A budget is a moment, @spent_us: work puts it further into the future, time passes it. While it
 * is more than the burst ahead, what the guest asks for waits: its keys, its control rings. What
 * the toolstack, the admin or a fault asks for never waits, and is charged all the same. Nor does
 * a front end that closes: it gives back what it had, and can do so once for each connection.
 *
 * While many guests are over their bursts at once, each pays more, so all of them together take
 * a bounded share too.
 */
#ifndef VIFD_VIF_BUDGET_H
#define VIFD_VIF_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "log.h"

/* A request to xenstored: 100 a second. */
#define BUDGET_REQUEST_US 10000u
/* A microsecond of the control thread: 4 percent of it. */
#define BUDGET_TIME 25u
/* A watch event, whatever it is about: 1000 a second. */
#define BUDGET_EVENT_US 1000u
/*
 * Ahead of its time a domain may be this much, and as much again for each vif; a vif connects
 * for 1 s.
 */
#define BUDGET_BURST_US 2000000u
/*
 * No guest waits longer than this for its next turn, unless more than BUDGET_CROWD guests wait. Its
 * vifs have these turns one after the other, so that many vifs cost no more than one does.
 */
#define BUDGET_WAIT_US 1000000u
#define BUDGET_CROWD 5u
/*
 * A control message waits no longer than this in any case: front ends give up after 5 s, and a host
 * that is slow or busy, as it attaches vifs, needs some of that itself. Messages cost xenstored
 * nothing, and the control thread one turn (ctrl.h) of each vif in this time.
 */
#define BUDGET_ANSWER_US 1000000u
/*
 * So many events of a connection are heard while the budget is used up, as the front end may close:
 * Closing, Closed, the end of its folder, and what it wrote before that.
 */
#define BUDGET_HEARD 16u

/**
 * struct budget - One domain's
 * @nr_vifs:  of the domain; the budget lives as long as one of them
 * @spent_us: when what was charged so far is paid
 * @requests, @time_us: what its vifs have cost so far
 * @warnings: limit of lines that say what is wrong with it; @events: of lines that say what it does
 */
struct budget {
	LIST_ENTRY(budget) link;
	uint16_t domid;
	uint32_t nr_vifs;
	uint64_t spent_us;
	uint64_t requests, time_us;
	struct log_limit warnings, events;
};

LIST_HEAD(budget_list, budget);

/** budget_get() - The domain's, for one vif more. Return: budget, NULL with errno ENOMEM */
struct budget *budget_get(struct budget_list *all, uint16_t domid);

/** budget_put() - One vif less; NULL is fine */
void budget_put(struct budget *budget);

/** budget_due_us() - From when on may the guest ask for something? @now_us or earlier: now */
uint64_t budget_due_us(const struct budget *budget, uint64_t now_us);

/**
 * budget_charge() - @requests to xenstored and @time_us of the control thread were spent on it
 * @time_us: without the time that others had its processor
 */
void budget_charge(struct budget *budget, const struct budget_list *all, uint64_t requests,
		   uint64_t time_us, uint64_t now_us);

/** budget_event() - A watch event was taken that the guest caused */
void budget_event(struct budget *budget, uint64_t now_us);

#endif
