/* SPDX-License-Identifier: BSD-3-Clause */
/* One vif as telemetry shows it. Control thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_version.h>

#include "base/text.h"
#include "base/vlan.h"
#include "data.h"
#include "path/flows.h"
#include "vif/names.h"
#include "vif/zerocopy_tx.h"
#include "vif/zerocopy_rx.h"

#define TEXT_MAX (RTE_TEL_MAX_STRING_LEN - 1)

void put_text(struct rte_tel_data *d, const char *name, const char *text)
{
	char cut[TEXT_MAX + 1];

	snprintf(cut, sizeof(cut), "%.*s", (int)TEXT_MAX, text);
	rte_tel_data_add_dict_string(d, name, cut);
}

void put_number(struct rte_tel_data *d, const char *name, uint64_t number)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	rte_tel_data_add_dict_uint(d, name, number);
#else
	rte_tel_data_add_dict_u64(d, name, number);
#endif
}

void put_mac(struct rte_tel_data *d, const char *name, const struct rte_ether_addr *mac)
{
	char text[TEXT_MAC_SIZE];

	put_text(d, name, text_put_mac(text, mac->addr_bytes));
}

struct rte_tel_data *put_dict(struct rte_tel_data *d, const char *name)
{
	struct rte_tel_data *member = rte_tel_data_alloc();

	if (!member)
		return NULL;
	rte_tel_data_start_dict(member);
	if (!rte_tel_data_add_dict_container(d, name, member, 0))
		return member;
	rte_tel_data_free(member);
	return NULL;
}

void put_counters(struct rte_tel_data *d, const struct vif *vif, uint32_t first, uint32_t last)
{
	for (enum path_counter which = 0; which < COUNTERS; which++)
		put_number(d, path_counter_name(which), path_shown(vif->path, which, first, last));
}

/* What a thousand frames of either direction cost. */
static void put_cost(struct rte_tel_data *d, const struct vif *vif)
{
	static const enum path_counter costs[] = { COUNT_copies, COUNT_copy_calls, COUNT_notify };
	uint32_t last = path_nr_queues(vif->path) - 1;
	uint64_t frames = path_shown(vif->path, COUNT_tx_packets, 0, last) +
			  path_shown(vif->path, COUNT_rx_packets, 0, last);

	if (!d)
		return;
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		double cost =
			frames ? (double)path_shown(vif->path, costs[i], 0, last) / (double)frames :
				 0;

		put_number(d, path_counter_name(costs[i]), (uint64_t)(cost * 1000));
	}
}

static const char *state_name(enum xenbus_state state)
{
	static const char *const names[] = {
		[XENBUS_UNKNOWN] = "unknown",
		[XENBUS_INITIALISING] = "initialising",
		[XENBUS_INIT_WAIT] = "initwait",
		[XENBUS_INITIALISED] = "initialised",
		[XENBUS_CONNECTED] = "connected",
		[XENBUS_CLOSING] = "closing",
		[XENBUS_CLOSED] = "closed",
		[XENBUS_RECONFIGURING] = "reconfiguring",
		[XENBUS_RECONFIGURED] = "reconfigured",
	};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const char *move_name(const struct vif *vif)
{
	if (vif->leaving)
		return "draining";
	if (vif->vf_ticket)
		return "opening";
	return vif->move == VIF_MOVE_NONE ? "none" : "asked";
}

static const char *move_error(const struct vif *vif)
{
	if (!vif->move_error)
		return "";
	return vif->move_error == ENODEV ? "no VF is free" : strerror(vif->move_error);
}

static void append(char *text, size_t size, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s", len ? "," : "", word);
}

/* What the port itself does of a frame's work; the rest is ours. */
static void put_offloads(struct rte_tel_data *d, uint64_t offloads)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, "csum-ip" },
		{ RTE_ETH_TX_OFFLOAD_TCP_CKSUM, "csum-tcp" },
		{ RTE_ETH_TX_OFFLOAD_UDP_CKSUM, "csum-udp" },
		{ RTE_ETH_TX_OFFLOAD_TCP_TSO, "tso" },
		{ RTE_ETH_TX_OFFLOAD_MULTI_SEGS, "sg" },
	};
	char text[TEXT_MAX + 1] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (offloads & names[i].bit)
			append(text, sizeof(text), names[i].name);
	put_text(d, "port_offloads", text[0] ? text : "none");
}

/* What the guest said it takes. */
static void put_takes(struct rte_tel_data *d, const struct path_config *config)
{
	const struct {
		bool on;
		const char *name;
	} takes[] = {
		{ config->rx_sg, "sg" },       { config->rx_csum4, "csum4" },
		{ config->rx_csum6, "csum6" }, { config->rx_gso4, "gso4" },
		{ config->rx_gso6, "gso6" },   { config->rx_notify, "notify" },
	};
	char text[TEXT_MAX + 1] = "";

	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		if (takes[i].on)
			append(text, sizeof(text), takes[i].name);
	put_text(d, "guest_takes", text[0] ? text : "none");
}

static void put_port_stats(struct rte_tel_data *d, struct port *port)
{
	struct port_stats stats = { 0 };

	if (!d)
		return;
	port->ops->stats_get(port, &stats);
	put_number(d, "rx_packets", stats.rx_packets);
	put_number(d, "rx_bytes", stats.rx_bytes);
	put_number(d, "rx_missed", stats.rx_missed);
	put_number(d, "rx_held", stats.rx_held);
	put_number(d, "tx_packets", stats.tx_packets);
	put_number(d, "tx_bytes", stats.tx_bytes);
	put_number(d, "tx_errors", stats.tx_errors);
	put_number(d, "tx_no_memory", stats.tx_no_memory);
}

/*
 * Buffers of the packet memory that frames from and to the guest have while they wait; and pages of
 * the guest's own, mapped here and given out by zero copy.
 */
static void put_held(struct rte_tel_data *d, const struct vif *vif)
{
	const struct rte_mempool *pool = worker_tools(vif->worker)->pool;
	const struct tap *tap = path_get_tap(vif->path);
	struct port *port = path_get_port(vif->path);
	struct port_stats stats = { 0 };
	uint64_t held = path_held(vif->path);

	port->ops->stats_get(port, &stats);
	held += stats.rx_held;
	held += tap ? atomic_load_explicit(&tap->held, memory_order_relaxed) : 0;
	put_number(d, "held_buffers", held);
	put_number(d, "held_bytes", held * pool->elt_size);
	put_number(d, "stalled", port_is_stalled(port));
	put_number(d, "static_pages", path_static_pages(vif->path));
	put_number(d, "lent_pages", path_lent_pages(vif->path));
}

static void put_worker(struct rte_tel_data *d, const struct vif *vif)
{
	for (uint32_t i = 0; i < vif->host->nr_workers; i++)
		if (vif->host->workers[i] == vif->worker)
			put_number(d, "worker", i);
	put_number(d, "worker_busy_us",
		   atomic_load_explicit(worker_busy_us(vif->worker), memory_order_relaxed));
}

/* "key-a=1 key-b=2": members of an object; DPDK takes no '-' in their names. */
static void put_record(struct rte_tel_data *d, const struct vifcap *cap)
{
	char text[VIFCAP_TEXT_MAX + 1], *rest = text, *word;

	if (!d || vifcap_format(cap, text, sizeof(text)) < 0)
		return;
	while ((word = strsep(&rest, " "))) {
		char *key = strsep(&word, "=");

		for (char *p = key; *p; p++)
			if (*p == '-')
				*p = '_';
		put_text(d, key, word);
	}
}

static void put_capability(struct rte_tel_data *d, const struct vif *vif)
{
	const struct capability *cap = &vif->cap;

	if (!d)
		return;
	put_number(d, "generation", cap->offered.present ? cap->generation : 0);
	put_number(d, "acked", cap->acked);
	put_number(d, "current", capability_acked(cap));
	put_number(d, "held", cap->held);
	put_number(d, "offers", cap->offers);
	put_number(d, "refused", cap->refused);
	put_number(d, "requests_granted", vif->request.granted);
	put_number(d, "requests_refused", vif->request.refused);
	if (cap->offered.present)
		put_record(put_dict(d, "record"), &cap->offered);
	if (cap->front.present)
		put_record(put_dict(d, "frontend"), &cap->front);
}

/* What it may send in each class of its NIC's wire, kbit/s; 0 = no limit */
static void put_class_shares(struct rte_tel_data *d, const struct vif *vif)
{
	char text[CLASSES * 11 + 1];
	size_t used = 0;

	for (uint32_t i = 0; i < CLASSES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? "," : "",
					 vif->class_share.of[i].limit);
	put_text(d, "class_share_kbps", nic_classes(vif->nic) ? text : "");
}

/* DPDM's commands, by the private flags of its netdev */
static void put_commands(struct rte_tel_data *d, const struct rep_commands *commands)
{
	put_number(d, "netdev_commands", commands->done);
	put_number(d, "netdev_commands_refused", commands->refused);
	put_text(d, "netdev_command_error", commands->why);
}

static void put_flow_rules(struct rte_tel_data *d, const struct flows *flows)
{
	put_number(d, "flow_rules", flows ? flows->nr : 0);
	put_number(d, "flows_isolated", flows && flows->isolated);
}

static void put_connected(struct rte_tel_data *d, const struct vif *vif)
{
	struct port *port = path_get_port(vif->path);
	const char *why_copied = zerocopy_tx_why_not(vif->path);
	struct port_link link = { .up = true };
	struct rte_tel_data *counters;

	port->ops->link_get(port, &link);
	put_text(d, "path", port_kind_name(port->kind));
	put_text(d, "vf", port->kind == PORT_VF ? port->name : "");
	put_text(d, "nic", nic_name(vif->nic));
	put_worker(d, vif);
	put_number(d, "queues", path_nr_queues(vif->path));
	put_held(d, vif);
	put_number(d, "link", link.up && vif->live.link);
	put_number(d, "speed_mbps", link.speed_mbps);
	put_number(d, "mtu", RTE_MIN(vif->live.mtu, port->mtu));
	put_number(d, "rate_bytes", vif->live.rate.bytes);
	put_number(d, "rate_us", vif->live.rate.us);
	put_number(d, "share_kbps", vif->share.limit);
	put_class_shares(d, vif);
	put_number(d, "latency_us", vif->live.rx_adaptive ? vif->live.rx_delay_us : 0);
	put_number(d, "nic_moderation_us", vif->moderation.us);
	put_number(d, "anti_spoof", vif->live.policy.anti_spoof);
	put_number(d, "control_ring", vif->ctrl != NULL);
	put_flow_rules(d, path_get_flows(vif->path));
	put_takes(d, path_get_config(vif->path));
	put_offloads(d, port->tx_offloads);
	put_number(d, "port_queues", port->nr_queues);
	put_text(d, "zero_copy", why_copied ? why_copied : "tx");
	put_text(d, "zero_copy_rx", zerocopy_rx_state(vif->path));
	put_text(d, "move", move_name(vif));
	put_text(d, "move_error", move_error(vif));
	put_text(d, "no_vf", vif->assign.unfit ? vif->assign.unfit : "");
	put_commands(d, &vif->representor.commands);
	put_capability(put_dict(d, "capability"), vif);
	put_port_stats(put_dict(d, "port"), port);
	put_cost(put_dict(d, "per_1000_frames"), vif);
	counters = put_dict(d, "counters");
	if (counters)
		put_counters(counters, vif, 0, path_nr_queues(vif->path) - 1);
}

/* Of a virtual VF: which values its guest has set and are in force, and those that stand nowhere else. */
static void put_guest_set(struct rte_tel_data *d, const struct vif *vif, const struct vf_wish *wish)
{
	static const char *const names[] = {
		[VIFVPF_ATTR_MAC] = "mac",     [VIFVPF_ATTR_VLAN] = "vlan",
		[VIFVPF_ATTR_RATE] = "rate",   [VIFVPF_ATTR_SPOOFCHK] = "spoofchk",
		[VIFVPF_ATTR_TRUST] = "trust", [VIFVPF_ATTR_LINK] = "link",
	};
	uint32_t set = virtual_pf_is_wanted(vif) ? vif->virtual_pf.applied & wish->set : 0;
	char text[TEXT_MAX + 1] = "";
	struct vf_wish now;

	vf_wish_base(&vif->policy.draft, &vif->mac, &now);
	vf_wish_overlay(&now, wish, set);
	for (uint32_t attr = VIFVPF_ATTR_MAC; attr <= VIFVPF_ATTR_LINK; attr++)
		if (set & 1u << attr)
			append(text, sizeof(text), names[attr]);
	put_text(d, "virtual_vf_set", text);
	put_number(d, "virtual_vf_vlan", now.tag & VLAN_ID_MASK);
	put_number(d, "virtual_vf_priority", now.tag >> 13);
	put_number(d, "virtual_vf_trust", now.trust);
}

/* Of a virtual PF: how many VFs its guest may have and wants. Of a VF: its PF and index. */
static void put_virtual(struct rte_tel_data *d, const struct vif *vif)
{
	const struct virtual_pf *self = &vif->virtual_pf;
	const struct vif *pf = virtual_pf_of(vif);
	int index = pf ? virtual_pf_index(pf, vif) : -1;

	put_number(d, "virtual_vfs", self->wishes.nr);
	put_number(d, "virtual_vfs_wanted", self->wishes.wanted);
	put_number(d, "virtual_vfs_set", self->granted);
	put_number(d, "virtual_vfs_refused", self->refused);
	put_number(d, "virtual_vf_rules", self->rules.table ? self->rules.table->nr : 0);
	put_text(d, "virtual_pf", pf ? pf->name + strlen("vif ") : "");
	if (index < 0)
		return;
	put_number(d, "virtual_vf", (uint64_t)index);
	put_number(d, "virtual_vf_wanted", virtual_pf_is_wanted(vif));
	put_guest_set(d, vif, &pf->virtual_pf.wishes.of[index]);
}

void put_vif(struct rte_tel_data *d, const struct vif *vif)
{
	struct vif_names names;
	char uuid[37];

	names_read(vif, &names);
	vif_read_uuid(vif, uuid, sizeof(uuid));
	put_text(d, "vif", vif->name + strlen("vif "));
	put_text(d, "guest", names.guest);
	put_text(d, "vifname", names.vifname);
	put_text(d, "uuid", uuid);
	put_number(d, "domid", vif->domid);
	put_number(d, "handle", vif->handle);
	put_mac(d, "mac", &vif->mac);
	put_text(d, "state", state_name(vif->state));
	put_text(d, "fault",
		 vif->fault	 ? vif->fault :
		 vif->rival_told ? "another vif has its mac" :
				   "");
	put_number(d, "held", vif->rival_told);
	put_text(d, "policy_error", vif->policy.error);
	put_number(d, "connected", vif->path != NULL);
	put_virtual(d, vif);
	if (vif->path)
		put_connected(d, vif);
}
