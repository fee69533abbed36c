/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A daemon around the vifs under test, in one thread: xenstore in memory
 * (fake_xs.h), guests and grants (fake_guest.h), and in place of worker.c, opener.c,
 * nic.c and dom.c functions that do at once what those do in threads.
 *
 * The front end's directory is written by hand or by host_front_end(); the
 * toolstack's by host_toolstack().
 */
#ifndef VIFD_TEST_FAKE_HOST_H
#define VIFD_TEST_FAKE_HOST_H

#include "backend/vif/host.h"
#include "backend/vif/vifs.h"
#include "fake_guest.h"
#include "fake_xs.h"

#define HOST_BACK "/local/domain/0/backend/vif/"

/**
 * struct fake_host - The daemon
 * @now_us:      the control thread's clock
 * @vf_free:     VFs that the opener can hand out
 * @vfs:         that the NIC has, and @mbps what its wire carries, 0 = unknown
 * @classes:     what nic_classes() says, if it has some
 * @software_kbps: what nic_set_software_share() was told; @vf_mbps: what a VF was told last
 * @open_ports:  software ports and VFs that are open
 * @attached:    paths that a worker polls; @worker_runs: how often the control thread waited for it
 * @port_error:  errno of the next nic_open_software(), 0 = it works
 * @tun:         the netdev that was made of late, "" = it was removed; @tun_mtu: its mtu; @tun_error: of the next
 * @opened_later: did the last nic_open_software() leave port_listen() to the caller? @opened_at: nic_refreshes then
 * @link_down:   what every port says of its link; @wire_down: what the uplink says
 * @vf_down, @vf_gone, @vf_other_mtu: what VFs say of theirs; @vf_looks: so many looks
 *                from now it is down; @vf_mtu, @wire_mtu: with which ports open
 * @vf_macs, @vf_promiscuous: what VFs are known to receive
 * @adopted:     ports that were told what the vif's ports had learnt
 * @nic_stale: the uplink's netdev changed; @nic_error: of the next refresh; @nic_refreshes: so far
 * @netdev_mac: a netdev of the host has it; @netdevs_asked: how often they were looked at
 * @change: somebody changes this of a VF, once; @verdict: what becomes of it
 * @pf_came: the PF is there, again; @vfs_to_come: how many VFs it can have then
 * @opens:       VFs that the opener was asked for; @open_policy: with the last one
 * @nic_filters: the NIC delivers only groups that were asked for
 * @dead:        domid that the hypervisor does not know (any more), 0 = none
 * @open_vf:     makes the port of a VF, NULL = a port that takes everything and delivers nothing
 * @open_software: the same of nic_open_software()
 * @opener_busy: ports are not closed before host_close_waiting()
 */
extern struct fake_host {
	struct host host;
	struct config config;
	struct vifs *vifs;
	uint64_t now_us;
	uint32_t vf_free;
	uint32_t vfs;
	uint32_t mbps;
	struct config_nic classes;
	uint32_t software_kbps, vf_mbps;
	uint32_t open_ports;
	uint32_t attached, worker_runs;
	int port_error;
	bool opened_later;
	uint32_t opened_at;
	char tun[16];
	uint32_t tun_mtu;
	int tun_error;
	bool link_down, wire_down;
	bool vf_down, vf_gone, vf_other_mtu;
	uint32_t vf_looks;
	uint16_t vf_mtu, wire_mtu;
	uint32_t vf_macs;
	bool vf_promiscuous;
	uint32_t adopted;
	bool nic_filters;
	bool nic_stale;
	int nic_error;
	uint32_t nic_refreshes;
	struct rte_ether_addr netdev_mac;
	uint32_t netdevs_asked;
	struct nic_change change;
	enum nic_verdict verdict;
	bool pf_came;
	uint32_t vfs_to_come;
	uint32_t opens;
	struct port_policy open_policy;
	uint16_t dead;
	struct port *(*open_vf)(void);
	struct port *(*open_software)(const struct rte_ether_addr *mac);
	bool opener_busy;
} fake_host;

/** host_start() - fake_start(), with no log lines but errors */
int host_start(void **state);

/** host_open() - Start, with run_dir in place of sysfs; host_close() asserts that nothing is left behind. Return: 0, -errno */
int host_open(void);
void host_close(void);

/** host_close_waiting() - The opener comes to close what it was given. Return: ports */
uint32_t host_close_waiting(void);

/** host_run() - One turn of the control thread. Return: when it wants the next one */
uint64_t host_run(void);

/** host_settle() - Turns until nothing is due now. Return: how many */
uint32_t host_settle(void);

/** host_poll() - One pass of the worker over all attached paths */
unsigned int host_poll(void);

/** host_toolstack() - What libxl writes for vif @domid.0; state Initialising on both sides */
void host_toolstack(uint16_t domid);

/** host_front_end() - What the guest writes before Connected: rings, channels, features */
void host_front_end(const struct guest *guest);

/** host_front_key() - Write one key of the front end's directory */
void host_front_key(uint16_t domid, const char *key, const char *value);

/** host_front_state(), host_back_state() - Set the front end's state; read ours, -1 = none */
void host_front_state(uint16_t domid, int state);
int host_back_state(uint16_t domid);

/** host_back_key() - A key of our own directory, NULL = absent */
const char *host_back_key(uint16_t domid, const char *key);

/** host_path() - The connected path of a domain, NULL = none */
struct path *host_path(uint16_t domid);

/** host_connect() - Guest, keys and states up to Connected. Return: the guest */
struct guest *host_connect(uint16_t domid);

/** host_connect_two() - Guest 7, for long enough to have the only VF, and guest 8 on the switch */
void host_connect_two(struct guest **on_vf, struct guest **on_switch);

#endif
