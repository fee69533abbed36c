/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all vifs of a running daemon share. Filled in by main.c before vifs_open().
 */
#ifndef VIFD_VIF_HOST_H
#define VIFD_VIF_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "balance.h"
#include "budget.h"
#include "config.h"
#include "deserve.h"
#include "port/nic.h"
#include "worker.h"
#include "xen/dom.h"
#include "xen/evt.h"
#include "xen/store.h"

struct opener;
struct assign;
struct shares;
struct vif;

TAILQ_HEAD(vif_list, vif);

/**
 * struct host - Control thread
 * @own_domid: the domain we run in
 * @sysfs:     "/sys", or a test's
 * @gnt:       the control thread's handle: rings
 * @evt:       the control thread's handle: control rings
 * @raise:     wakes the control thread
 * @opener:    opens VFs in its own thread
 * @vifs:      all of them, in the order in which they came; @index: the same (vif_index.h)
 * @budgets:   of all domains that have a vif
 * @assign:    which of them have a VF; NULL while vifs are not served
 * @shares:    what each may send to the wire; as @assign
 * @balance:   how much the workers have to do
 * @claims:    what policies claim of each NIC (nic_claims.h)
 * @moderation_us: when devices' interrupt moderation is looked at next
 */
struct host {
	const struct config *config;
	uint16_t own_domid;
	const char *sysfs;
	struct store *store;
	struct dom *dom;
	struct gnt *gnt;
	struct evt *evt;
	struct wake *raise;
	struct opener *opener;
	struct vif_list vifs;
	void *index;
	struct budget_list budgets;
	struct assign *assign;
	struct shares *shares;
	struct balance balance;
	uint64_t moderation_us;
	bool policy_dir_seen;
	uint32_t nr_nics;
	struct nic *nics[CONFIG_NICS_MAX];
	struct deserve_claim claims[CONFIG_NICS_MAX];
	uint32_t nr_workers;
	struct worker *workers[CONFIG_WORKERS_MAX];
};

#endif
