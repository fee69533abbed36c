/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vifd_rep: netdevs that stand for vifd's vifs in its domain. The interface to vifd is
 * common/representor.h; main.c is the device file, netdev.c what the kernel asks of a netdev,
 * ethtool.c what ethtool does, frames.c what captures see.
 *
 * Locks: rep_lock guards the slots and the setup, and is taken before rtnl. Operations of netdevs
 * run under rtnl and never take rep_lock; what they leave for read() is under requests_lock.
 */
#ifndef VIFD_REP_H
#define VIFD_REP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>

#include "../../common/representor.h"

/**
 * struct rep - A netdev's own; in netdev_priv()
 * @page:    shared with vifd, which may write anything at any time
 * @slot:    index into rep_slots
 * @setting: rtnl: vifd sets the state, so nothing is asked of it
 * @going:   requests_lock: nothing is asked any more
 * @capturing: requests_lock: what vifd was told last
 * @request: requests_lock: what read() will tell; @waiting is in a list while that is something
 * @command: requests_lock: those that wait, @nr_commands from @first_command on, around the end
 * @link:    in the list of those that go
 */
struct rep {
	struct net_device *dev;
	struct rep_page *page;
	u32 slot;
	bool setting, going, capturing;
	struct rep_request request;
	u32 command[REP_COMMANDS_MAX], first_command, nr_commands;
	struct list_head waiting, link;
};

/**
 * struct rep_names - Of the counters, and behind them of flags; constant while there are netdevs
 * @commands: private flags take nothing else, and @steps says which
 */
struct rep_names {
	u32 nr, nr_flags, mtu_min, mtu_max;
	bool commands;
	u8 steps[REP_OPERATIONS];
	char (*name)[REP_COUNTER_NAME];
};

extern struct mutex rep_lock;
extern struct rep *rep_slots[REP_SLOTS_MAX];
extern struct rep_names rep_names;

/* main.c: any context */

/** rep_ask() - Keep for read() what was asked; @what: a bit, @value its value */
void rep_ask(struct rep *rep, u32 what, u32 value);

/** rep_command() - Keep a command for read(), behind others. Return: 0; -EBUSY: too many wait */
int rep_command(struct rep *rep, u32 command);

/** rep_look() - Does somebody capture, or no more? Ask vifd for it if that changed */
void rep_look(struct rep *rep);

/** rep_is_asked() - Is it still to be told? */
bool rep_is_asked(struct rep *rep, u32 what);

/* netdev.c: with rep_lock */

/** rep_create() - Return: netdev, or an ERR_PTR */
struct rep *rep_create(const struct rep_create *create, u32 slot);

/** rep_state() - What the netdev is now. Return: 0, -errno */
int rep_state(struct rep *rep, const struct rep_state *state);

/** rep_destroy() - All in @list, and wait until they are gone */
void rep_destroy(struct list_head *list);

/* ethtool.c */
extern const struct ethtool_ops rep_ethtool_ops;

/* frames.c: with rep_lock */

/** rep_write() - Frames from vifd. Return: bytes taken, -errno */
ssize_t rep_write(const char __user *from, size_t len);

/** rep_filter() - Which frames those who capture want */
void rep_filter(struct rep *rep, struct rep_filter *filter);

/** rep_handle() - The netdev's frames end here; the stack of this domain gets none */
rx_handler_result_t rep_handle(struct sk_buff **skb);

#endif
