/* SPDX-License-Identifier: BSD-3-Clause */
#include "uplink.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "log.h"
#include "port/eth/eth.h"
#include "port/filter/groups.h"
#include "port/filter/reach.h"
#include "port/kernel/netdev.h"

LOG_TAG("uplink");

/*
 * struct filter - What the uplink must receive for one port
 * @groups: its MAC and the groups it listens to
 * @reach:  its other MACs, and its VLANs
 * @policy: as set last
 */
struct filter {
	LIST_ENTRY(filter) link;
	struct uplink *uplink;
	struct rte_ether_addr mac;
	struct groups groups;
	struct reach reach;
	struct port_policy policy;
};

/*
 * struct uplink
 * @netdev:  present name of the netdev in use
 * @eth:     NULL = there is none
 * @saved:   settings of the netdev in use before we changed them
 * @members: socket that holds extra addresses; they vanish with the process
 * @failed:  ifindex of a netdev that could not be opened; that is in the log already
 * @promiscuous: the netdev's filters did not suffice
 */
struct uplink {
	struct uplink_params params;
	char netdev[IF_NAMESIZE];
	struct eth *eth;
	struct netdev_saved saved;
	int members;
	unsigned int failed;
	bool promiscuous;
	LIST_HEAD(, filter) filters;
};

/* A driver whose filters are full turns promiscuous by itself, or fails: then we turn it so. */
static void receive_everything(struct uplink *uplink, int error)
{
	int ret;

	if (uplink->promiscuous)
		return;
	log_warn("%s: uplink %s takes no more addresses (%s), receiving everything",
		 uplink->params.nic, uplink->netdev, strerror(-error));
	ret = netdev_member(uplink->members, uplink->netdev, PACKET_MR_PROMISC, NULL, true);
	if (ret < 0)
		log_error("%s: uplink %s: promiscuous mode: %s", uplink->params.nic, uplink->netdev,
			  strerror(-ret));
	uplink->promiscuous = ret == 0;
}

static void filter_open(struct filter *filter)
{
	struct uplink *uplink = filter->uplink;
	int ret;

	if (!uplink->eth)
		return;
	ret = groups_move(&filter->groups, uplink->netdev, &filter->mac, true);
	if (ret < 0)
		receive_everything(uplink, ret);
	if (reach_open(&filter->reach, uplink->netdev) < 0)
		log_warn("%s: a vif on uplink %s has only one address and no VLANs: %m",
			 uplink->params.nic, uplink->netdev);
	else
		reach_set(&filter->reach, &filter->policy);
}

static void filter_close(struct filter *filter)
{
	groups_close(&filter->groups);
	reach_close(&filter->reach);
}

/* Other netdev, or another name of it: everything is asked for again. */
static void filters_reopen(struct uplink *uplink)
{
	struct filter *filter;

	LIST_FOREACH (filter, &uplink->filters, link) {
		filter_close(filter);
		filter_open(filter);
	}
}

static int open_eth(struct uplink *uplink)
{
	const struct eth_params params = {
		.netdev = uplink->netdev,
		.pool = uplink->params.pool,
	};
	struct netdev_saved saved;
	int ret = netdev_prepare(uplink->netdev, NETDEV_SHARED, &saved);

	if (ret < 0)
		return ret;
	if (uplink->saved.ifindex != saved.ifindex)
		uplink->saved = saved;
	uplink->members = netdev_members_open();
	if (uplink->members < 0)
		return uplink->members;
	if (uplink->params.all_groups)
		ret = netdev_member(uplink->members, uplink->netdev, PACKET_MR_ALLMULTI, NULL,
				    true);
	if (ret < 0)
		return ret;
	uplink->eth = eth_create_netdev(&params);
	return uplink->eth ? 0 : -errno;
}

/* Close the netdev; the switch goes on without a wire. */
static void shut(struct uplink *uplink)
{
	switch_set_uplink(uplink->params.sw, NULL, uplink->params.mbps);
	eth_close(uplink->eth);
	uplink->eth = NULL;
	if (uplink->members >= 0)
		close(uplink->members);
	uplink->members = -1;
	uplink->promiscuous = false;
}

/* One that vanished meanwhile is simply not there. Return: @error, 0 = wait for the next netdev */
static int failed(struct uplink *uplink, unsigned int ifindex, int error)
{
	shut(uplink);
	if (if_nametoindex(uplink->netdev) != ifindex)
		return 0;
	if (ifindex != uplink->failed)
		log_error("%s: uplink %s: %s; software vifs reach each other only",
			  uplink->params.nic, uplink->netdev, strerror(-error));
	uplink->failed = ifindex;
	return error;
}

/* Return: 0, also if there is no netdev; -errno */
static int try_open(struct uplink *uplink)
{
	unsigned int ifindex = if_nametoindex(uplink->params.netdev);
	int ret;

	if (!ifindex)
		return 0;
	snprintf(uplink->netdev, sizeof(uplink->netdev), "%s", uplink->params.netdev);
	ret = open_eth(uplink);
	if (ret < 0)
		return failed(uplink, ifindex, ret);
	uplink->failed = 0;
	switch_set_uplink(uplink->params.sw, uplink->eth, uplink->params.mbps);
	log_info("%s: uplink %s, mtu %u", uplink->params.nic, uplink->netdev, eth_mtu(uplink->eth));
	filters_reopen(uplink);
	return 0;
}

struct uplink *uplink_create(const struct uplink_params *params)
{
	struct uplink *uplink = calloc(1, sizeof(*uplink));

	if (!uplink)
		return NULL;
	uplink->params = *params;
	uplink->members = -1;
	LIST_INIT(&uplink->filters);
	switch_expect_uplink(params->sw);
	try_open(uplink);
	if (!uplink->eth && !uplink->failed)
		log_warn("%s: uplink %s is not there yet; until it is, software vifs reach each "
			 "other only",
			 params->nic, params->netdev);
	return uplink;
}

void uplink_destroy(struct uplink *uplink)
{
	if (!uplink)
		return;
	shut(uplink);
	netdev_restore(&uplink->saved);
	free(uplink);
}

static bool is_renamed(const struct uplink *uplink, char name[IF_NAMESIZE])
{
	return uplink->eth && eth_netdev(uplink->eth, name) && strcmp(name, uplink->netdev) != 0;
}

/* The netdev is gone, or has another MTU than its rings are made for. */
static bool is_unfit(const struct uplink *uplink)
{
	char name[IF_NAMESIZE];

	return uplink->eth && (!eth_netdev(uplink->eth, name) || eth_mtu_changed(uplink->eth));
}

bool uplink_is_stale(const struct uplink *uplink)
{
	char name[IF_NAMESIZE];

	if (!uplink->eth)
		return if_nametoindex(uplink->params.netdev) != 0;
	return is_unfit(uplink) || is_renamed(uplink, name);
}

/* Stay with the netdev, whatever it is called. */
static void follow_name(struct uplink *uplink)
{
	char name[IF_NAMESIZE];

	if (!is_renamed(uplink, name))
		return;
	log_info("%s: uplink %s is now called %s", uplink->params.nic, uplink->netdev, name);
	memcpy(uplink->netdev, name, sizeof(uplink->netdev));
	filters_reopen(uplink);
}

int uplink_refresh(struct uplink *uplink)
{
	char name[IF_NAMESIZE];

	follow_name(uplink);
	if (is_unfit(uplink)) {
		if (eth_netdev(uplink->eth, name))
			log_info("%s: uplink %s has another mtu", uplink->params.nic, name);
		else
			log_warn("%s: uplink %s is gone; until it is back, software vifs reach "
				 "each other only",
				 uplink->params.nic, uplink->netdev);
		shut(uplink);
	}
	return uplink->eth ? 0 : try_open(uplink);
}

static void filter_quiet(void *arg)
{
	struct filter *filter = arg;

	LIST_REMOVE(filter, link);
	filter_close(filter);
}

static void filter_closed(void *arg)
{
	free(arg);
}

static void filter_group(void *arg, const struct rte_mbuf *frame)
{
	groups_see(&((struct filter *)arg)->groups, frame);
}

static void filter_join(void *arg, const uint8_t *group)
{
	groups_join(&((struct filter *)arg)->groups, group);
}

static void filter_policy(void *arg, const struct port_policy *policy)
{
	struct filter *filter = arg;

	filter->policy = *policy;
	reach_set(&filter->reach, policy);
}

static void filter_listen(void *arg)
{
	filter_close(arg);
	filter_open(arg);
}

static const struct switch_hooks hooks = {
	.listen = filter_listen,
	.quiet = filter_quiet,
	.closed = filter_closed,
	.group = filter_group,
	.join = filter_join,
	.set_policy = filter_policy,
};

struct port *uplink_open_port(struct uplink *uplink, const struct rte_ether_addr *mac)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	struct port *port;

	if (!filter)
		return NULL;
	filter->uplink = uplink;
	filter->mac = *mac;
	groups_init(&filter->groups);
	filter->groups.all_arrive = uplink->params.all_groups;
	filter->reach.fd = -1;
	port = switch_port_open(uplink->params.sw, mac, &hooks, filter);
	if (!port) {
		free(filter);
		return NULL;
	}
	LIST_INSERT_HEAD(&uplink->filters, filter, link);
	port->groups = &filter->groups;
	return port;
}

int uplink_fd(const struct uplink *uplink)
{
	return uplink->eth ? eth_rx_fd(uplink->eth, 0) : -1;
}

void uplink_link(const struct uplink *uplink, struct port_link *link)
{
	*link = (struct port_link){ .gone = true };
	if (uplink->eth)
		eth_link_get(uplink->eth, link);
}

bool uplink_is_up(const struct uplink *uplink)
{
	return uplink->eth && eth_is_up(uplink->eth);
}
