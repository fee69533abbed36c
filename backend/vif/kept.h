/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a connection consists of that stands neither in its rings nor in xenstore, kept in the run
 * folder for the next vifd: the guest's multicast list, the groups learnt for it, what it set by
 * the control ring, and where the admin has moved it. A guest tells these once.
 *
 * Theory of operation. One file for each connected vif, mapped: worker and control thread write to
 * it as to other memory, and whenever the process is killed, what it wrote is there. Nothing is
 * ever half written: numbers and entries of lists are single stores, and what the control ring
 * sets is written as a whole to the other one of two places before one store says that it holds.
 * No system call is made after the file was opened. A reboot of the host removes the file, and so
 * does the end of the connection; a vifd that stops leaves it.
 *
 * A file may be stale. It is used only if it says that it belongs to this very connection: domain,
 * UUID, MAC, rings and channels are the same, and a former back end has served these rings, whose
 * counters begin at 0. If the rings were served and the file does not fit, nobody knows what the
 * guest told that back end: then all groups pass (kept_is_partial()), and static grants and hashes
 * are as at the beginning.
 *
 * Not protected against: a guest that sets its rings' counters to look like a former connection
 * gets the settings of that.
 */
#ifndef VIFD_VIF_KEPT_H
#define VIFD_VIF_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/group_list.h"
#include "vf_wish.h"
#include "common/ring.h"
#include "path/flows.h"
#include "path/path.h"

/* Answers of one turn of the control ring. */
#define KEPT_ANSWERS 16u

/** struct kept_life - Which connection it is; compared as bytes, so zeroed first */
struct kept_life {
	uint16_t domid, handle;
	struct rte_ether_addr mac;
	char uuid[40];
	uint32_t ctrl_ref, ctrl_port; /* 0 = no control ring */
	uint32_t nr_queues;
	struct queue_config queues[NETIF_QUEUES_MAX];
};

/* An entry of kept_ctrl.pages: the reference, and whether it is read-only. */
#define KEPT_READONLY (1u << 31)

/**
 * struct kept_ctrl - What the guest set by the control ring, and the answers it gets for that
 * @sum:      of all that follows
 * @rsp_from, @rsp_prod: this is the state after the answers between them
 * @answers:  those, from the first
 * @vf_rules: of a virtual PF
 * @nr_pages: static grants of each queue
 * @pages:    of all queues, one after the other
 */
struct kept_ctrl {
	uint32_t sum;
	uint32_t rsp_from, rsp_prod;
	union netif_ctrl_entry answers[KEPT_ANSWERS];
	struct steer steer;
	struct flows flows;
	struct vf_wishes wishes;
	struct flows vf_rules;
	uint32_t nr_pages[NETIF_QUEUES_MAX];
	uint32_t pages[];
};

enum kept_pin { KEPT_PIN_NONE, KEPT_PIN_VF, KEPT_PIN_SOFTWARE };

struct kept;

/**
 * kept_open() - Take up the file of a connection, or begin a new one
 * @dir:    run folder
 * @life:   the connection
 * @served: a former back end has served its rings
 *
 * Control thread; blocks for a file. If there can be no file, that is logged, and memory of the
 * process stands in for it. Return: what is kept, NULL: no memory
 */
struct kept *kept_open(const char *dir, const struct kept_life *life, bool served);

/**
 * kept_close() - Nobody uses it any more; NULL is fine
 * @stay: for the next vifd; else the file is removed
 */
void kept_close(struct kept *kept, bool stay);

/** kept_is_known() - What a former vifd kept of this connection is here */
bool kept_is_known(const struct kept *kept);

/** kept_is_partial() - The guest told a former back end something that is not known any more */
bool kept_is_partial(const struct kept *kept);

/** kept_mcast() - The list of the guest's multicast control; worker: w */
struct group_list *kept_mcast(struct kept *kept);

/** kept_learnt() - The groups that ports learnt; worker: w */
struct group_list *kept_learnt(struct kept *kept);

/** kept_pin(), kept_set_pin() - Where the admin has moved the vif */
enum kept_pin kept_pin(const struct kept *kept);
void kept_set_pin(struct kept *kept, enum kept_pin pin);

/** kept_flow_counts() - What the guest's flow rules have matched; worker: w */
struct flow_counts *kept_flow_counts(struct kept *kept);

/** kept_vf_rule_counts() - What rules about virtual VFs have matched; any worker: w */
struct flow_counts *kept_vf_rule_counts(struct kept *kept);

/** kept_ctrl() - Return: what holds, NULL = the guest has set nothing, or it is damaged */
const struct kept_ctrl *kept_ctrl(const struct kept *kept);

/** kept_ctrl_begin() - Return: room for what will hold after kept_ctrl_commit(), not zeroed */
struct kept_ctrl *kept_ctrl_begin(struct kept *kept);
void kept_ctrl_commit(struct kept *kept);

/**
 * kept_sweep() - Remove the files of vifs that are gone
 * @lives: Return: there is this vif
 *
 * Control thread, once all vifs were looked for.
 */
void kept_sweep(const char *dir, bool (*lives)(void *arg, uint32_t domid, uint32_t handle),
		void *arg);

#endif
