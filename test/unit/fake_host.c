/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/claim.c vif/kernel_path.c vif/rival.c vif/vif.c vif/vifs.c vif/moderation.c vif/stale.c vif/budget.c vif/connect.c vif/move.c vif/assign.c vif/deserve.c */
/* links: vif/directories.c vif/store_events.c vif/vif_index.c vif/nic_claims.c vif/balance.c vif/shares.c vif/class_shares.c vif/divide.c vif/live.c */
/* links: vif/rules.c vif/request.c vif/tell.c vif/foreign.c vif/names.c policy/policy.c policy/words.c policy/files.c vif/capability.c vif/virtual_pf.c vif/vf_wish.c vif/ctrl_virtual_pf.c vif/vf_rules.c vif/ctrl_vf_rules.c */
/* links: vif/ctrl.c vif/ctrl_hash.c vif/grants.c vif/ctrl_kept.c vif/ctrl_flows.c vif/nic_flows.c path/flow_check.c path/flow_nic.c vif/kept.c vif/query.c vif/mirror.c vif/representor.c vif/rep_flags.c vif/rep_commands.c policy/privflags.c policy/privflags_rules.c rep/device.c path/counters.c vif/zerocopy_tx.c vif/zerocopy_rx.c */
/* links: capture/capture.c ini.c common/capability.c xen/store.c port/sriov/sysfs.c log.c test/unit/fake_guest.c */
/* links: test/unit/fake_xs.c */
#include "fake_host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/port/filter/groups.h"
#include "backend/port/kernel/netdev.h"
#include "backend/port/kernel/tun.h"
#include "backend/vif/opener.h"

#define RESULTS_MAX 64u
#define PATHS_MAX 64u

struct worker {
	int unused;
};

struct nic {
	int unused;
};

struct opener {
	uint64_t next_ticket;
	uint32_t nr;
	struct opener_result results[RESULTS_MAX];
	uint32_t nr_closing;
	struct port *closing[RESULTS_MAX];
};

struct fake_host fake_host;

static struct worker the_worker;
static struct nic the_nics[2];
static struct opener the_opener;
static struct wake raise;
static struct path *paths[PATHS_MAX];

/* worker.h */

int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg)
{
	fake_host.worker_runs++;
	return fn(worker, arg);
}

void worker_barrier(void)
{
}

int worker_node(const struct worker *worker)
{
	(void)worker;
	return -1;
}

const _Atomic uint64_t *worker_busy_us(const struct worker *worker)
{
	static const _Atomic uint64_t never;

	(void)worker;
	return &never;
}

int worker_move(struct worker *from, struct worker *to, struct path *path)
{
	worker_detach(from, path);
	return worker_attach(to, path);
}

unsigned int worker_load(const struct worker *worker)
{
	(void)worker;
	return fake_host.attached;
}

int worker_attach(struct worker *worker, struct path *path)
{
	int ret = path_attach(path, &fake_tools);

	(void)worker;
	if (!ret)
		paths[fake_host.attached++] = path;
	return ret;
}

void worker_detach(struct worker *worker, struct path *path)
{
	(void)worker;
	/* until then a worker goes on */
	if (!path_faulted(path))
		path_poll(path, &fake_tools);
	path_detach(path, &fake_tools);
	for (uint32_t i = 0; i < fake_host.attached; i++) {
		if (paths[i] != path)
			continue;
		paths[i] = paths[--fake_host.attached];
		return;
	}
	assert(!"detaching what is not attached");
}

struct path_tools *worker_tools(struct worker *worker)
{
	(void)worker;
	return &fake_tools;
}

void worker_add_port(struct worker *worker, struct port *port)
{
	(void)worker;
	(void)port;
}

void worker_remove_port(struct worker *worker, struct port *port)
{
	(void)worker;
	(void)port;
}

/* dom.h */

bool dom_alive(struct dom *dom, uint16_t domid)
{
	(void)dom;
	return domid != fake_host.dead;
}

/* Ports that take everything and deliver nothing. */

static void port_end(struct port *port)
{
	assert(fake_host.open_ports > 0);
	fake_host.open_ports--;
	fake_host.vf_free += port->kind == PORT_VF;
	free(port);
}

static uint16_t port_send(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	rte_pktmbuf_free_bulk(pkts, nr);
	return nr;
}

static uint16_t port_receive(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)nr;
	return 0;
}

static int port_no_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void port_link(struct port *port, struct port_link *link)
{
	bool vf = port->kind == PORT_VF;

	if (vf && fake_host.vf_looks && !--fake_host.vf_looks)
		fake_host.vf_down = true;
	*link = (struct port_link){ .up = !fake_host.link_down && !(vf && fake_host.vf_down),
				    .gone = vf && fake_host.vf_gone,
				    .other_mtu = vf && fake_host.vf_other_mtu };
}

static void port_no_stats(struct port *port, struct port_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static void port_policy(struct port *port, const struct port_policy *policy)
{
	if (port->kind == PORT_VF)
		fake_host.vf_mbps = policy->max_mbps;
}

static const struct port_ops ops = {
	.close = port_end,
	.tx_burst = port_send,
	.rx_burst = port_receive,
	.rx_fd = port_no_fd,
	.link_get = port_link,
	.stats_get = port_no_stats,
	.set_policy = port_policy,
};

static struct groups learnt;

/* groups.h: what a port has learnt is nobody's business here */
void groups_keep(struct groups *groups, struct group_list *kept)
{
	assert(groups && kept);
	fake_host.adopted++;
}

static struct port *port_begin(enum port_kind kind, const char *name)
{
	struct port *port = calloc(1, sizeof(*port));

	assert(port);
	port->ops = &ops;
	port->kind = kind;
	port->mtu = kind == PORT_VF ? fake_host.vf_mtu : fake_host.wire_mtu;
	port->outer_mtu = port->mtu - 4;
	port->nr_queues = 1;
	port->groups = &learnt;
	learnt.all_arrive = !fake_host.nic_filters;
	snprintf(port->name, sizeof(port->name), "%s", name);
	fake_host.open_ports++;
	return port;
}

int worker_attach_nic(struct worker *worker, struct nic *nic)
{
	(void)worker;
	(void)nic;
	return 0;
}

void worker_detach_nic(struct worker *worker, struct nic *nic)
{
	(void)worker;
	(void)nic;
}

/* nic.h */

int nic_node(const struct nic *nic)
{
	(void)nic;
	return -1;
}

const char *nic_name(const struct nic *nic)
{
	(void)nic;
	return "lan";
}

bool nic_is_stale(const struct nic *nic)
{
	(void)nic;
	return fake_host.nic_stale;
}

bool nic_take_pf(struct nic *nic)
{
	bool came = fake_host.pf_came;

	(void)nic;
	fake_host.pf_came = false;
	return came;
}

int nic_refresh(struct nic *nic)
{
	(void)nic;
	fake_host.nic_refreshes++;
	return fake_host.nic_error;
}

struct port *nic_open_software(struct nic *nic, const struct rte_ether_addr *mac, const char *owner,
			       bool later)
{
	(void)nic;
	(void)owner;
	fake_host.opened_later = later;
	fake_host.opened_at = fake_host.nic_refreshes;
	if (fake_host.port_error) {
		errno = fake_host.port_error;
		return NULL;
	}
	if (fake_host.open_software)
		return fake_host.open_software(mac);
	return port_begin(PORT_SOFTWARE, "switch");
}

struct port *nic_open_kernel(struct nic *nic, const char *netdev, const struct rte_ether_addr *mac,
			     const char *owner)
{
	(void)nic;
	(void)mac;
	(void)owner;
	assert(!strcmp(netdev, fake_host.tun));
	return port_begin(PORT_KERNEL, netdev);
}

/* tun.h */

int tun_make(const char *name, uint32_t mtu)
{
	if (fake_host.tun_error)
		return -fake_host.tun_error;
	snprintf(fake_host.tun, sizeof(fake_host.tun), "%s", name);
	fake_host.tun_mtu = mtu;
	return 0;
}

void tun_remove(const char *name)
{
	if (!strcmp(fake_host.tun, name))
		fake_host.tun[0] = '\0';
}

void tun_sweep(bool (*keep)(void *arg, const char *name), void *arg)
{
	if (fake_host.tun[0] && !keep(arg, fake_host.tun))
		fake_host.tun[0] = '\0';
}

uint64_t nic_roam(struct nic *nic, uint64_t now_us)
{
	(void)nic;
	(void)now_us;
	return UINT64_MAX;
}

uint32_t nic_vf_count(struct nic *nic, uint32_t *vfs)
{
	(void)nic;
	*vfs = fake_host.vfs;
	return fake_host.vf_free;
}

uint16_t nic_mtu(const struct nic *nic)
{
	(void)nic;
	return fake_host.wire_mtu;
}

uint16_t nic_outer_mtu(const struct nic *nic)
{
	return nic_mtu(nic) - 4;
}

bool nic_vf_reach(struct nic *nic, uint32_t *macs)
{
	(void)nic;
	*macs = fake_host.vf_macs;
	return fake_host.vf_promiscuous;
}

int nic_look_vfs(struct nic *nic,
		 enum nic_verdict (*judge)(const struct nic_change *change, void *arg), void *arg)
{
	struct nic_change change = fake_host.change;

	(void)nic;
	if (!change.owner)
		return 0;
	fake_host.change.owner = NULL;
	change.config = &fake_host.config.nics[0];
	fake_host.verdict = judge(&change, arg);
	return 0;
}

const struct config_nic *nic_classes(const struct nic *nic)
{
	(void)nic;
	return fake_host.classes.classes ? &fake_host.classes : NULL;
}

uint32_t nic_capacity_mbps(struct nic *nic)
{
	(void)nic;
	return fake_host.mbps;
}

void nic_set_software_share(struct nic *nic, uint32_t kbps)
{
	(void)nic;
	fake_host.software_kbps = kbps;
}

bool nic_uplink_is_up(const struct nic *nic)
{
	(void)nic;
	return !fake_host.wire_down;
}

void nic_uplink_link(struct nic *nic, struct port_link *link)
{
	(void)nic;
	*link = (struct port_link){ .up = !fake_host.wire_down };
}

bool nic_matches(const struct nic *nic, const char *bridge)
{
	const struct config_nic *config = &fake_host.config.nics[nic - the_nics];

	return !strcmp(bridge, config->name) || !strcmp(bridge, config->pf);
}

/* port/kernel/netdev.h */

bool netdev_any_has(const struct rte_ether_addr *mac)
{
	fake_host.netdevs_asked++;
	return rte_is_same_ether_addr(mac, &fake_host.netdev_mac);
}

/* opener.h */

uint64_t opener_open(struct opener *opener, struct nic *nic, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, uint16_t domid, const char *owner)
{
	struct opener_result *result = &opener->results[opener->nr++];

	(void)nic;
	(void)mac;
	(void)domid;
	(void)owner;
	fake_host.open_policy = *policy;
	fake_host.opens++;
	assert(opener->nr <= RESULTS_MAX);
	*result = (struct opener_result){ .ticket = ++opener->next_ticket, .error = ENODEV };
	if (fake_host.vf_free) {
		fake_host.vf_free--;
		result->port = fake_host.open_vf ? fake_host.open_vf() :
						   port_begin(PORT_VF, "0000:01:10.0");
		result->error = 0;
	}
	return result->ticket;
}

int opener_make_vfs(struct opener *opener, struct nic *nic)
{
	(void)opener;
	(void)nic;
	fake_host.vf_free += fake_host.vfs_to_come;
	fake_host.vfs += fake_host.vfs_to_come;
	return 0;
}

/* Each VF is ready at once, so nothing can be cancelled. */
void opener_cancel(struct opener *opener, uint64_t ticket)
{
	(void)opener;
	(void)ticket;
}

void opener_close(struct opener *opener, struct port *port)
{
	assert(opener->nr_closing < RESULTS_MAX);
	opener->closing[opener->nr_closing++] = port;
	if (!fake_host.opener_busy)
		host_close_waiting();
}

uint32_t host_close_waiting(void)
{
	uint32_t nr = the_opener.nr_closing;

	for (uint32_t i = 0; i < nr; i++)
		port_close(the_opener.closing[i]);
	the_opener.nr_closing = 0;
	return nr;
}

bool opener_take(struct opener *opener, struct opener_result *result)
{
	if (!opener->nr)
		return false;
	*result = opener->results[0];
	memmove(opener->results, opener->results + 1, --opener->nr * sizeof(*result));
	return true;
}

/* The daemon */

int host_start(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	return fake_start(state);
}

/* Of this process alone: test/check gives each program a folder. */
static const char *run_dir(void)
{
	static char made[] = "/tmp/vifd-host.XXXXXX";
	const char *dir = getenv("RUNTIME_DIRECTORY");

	if (!dir && made[sizeof(made) - 2] == 'X')
		dir = mkdtemp(made);
	return dir ? dir : made;
}

int host_open(void)
{
	fake_xs_clear();
	raise.fd = -1;
	fake_host = (struct fake_host){ .now_us = 1000000,
					.wire_mtu = 1500,
					.vf_mtu = 1500,
					.vf_macs = UINT32_MAX,
					.vf_promiscuous = true,
					.config = { .max_queues = FAKE_QUEUES,
						    .backlog_kb = 1024,
						    .run_dir = "/nowhere",
						    .nr_nics = 1,
						    .nics = { { .name = "lan" } } } };
	snprintf(fake_host.config.run_dir, sizeof(fake_host.config.run_dir), "%s", run_dir());
	fake_host.host = (struct host){ .config = &fake_host.config,
					.sysfs = fake_host.config.run_dir,
					.store = store_open(),
					.gnt = gnt_open(),
					.evt = evt_open(),
					.raise = &raise,
					.opener = &the_opener,
					.nr_nics = 1,
					.nics = { &the_nics[0], &the_nics[1] },
					.nr_workers = 1,
					.workers = { &the_worker } };
	fake_host.vifs = vifs_open(&fake_host.host);
	return fake_host.vifs ? 0 : -errno;
}

void host_close(void)
{
	struct opener_result result;

	vifs_close(fake_host.vifs);
	host_close_waiting();
	while (opener_take(&the_opener, &result))
		port_close(result.port);
	store_close(fake_host.host.store);
	assert(!fake_host.attached && !fake_host.open_ports);
	assert(!fake_xs_watches());
	fake_xs_clear();
}

uint64_t host_run(void)
{
	return vifs_run(fake_host.vifs, fake_host.now_us);
}

uint32_t host_settle(void)
{
	uint32_t turns = 0;
	uint64_t next;

	do {
		next = host_run();
		assert(++turns < 1000);
	} while (next <= fake_host.now_us || the_opener.nr || fake_xs_readable());
	return turns;
}

unsigned int host_poll(void)
{
	unsigned int frames = 0;

	for (uint32_t i = 0; i < fake_host.attached; i++)
		if (!path_faulted(paths[i]))
			frames += path_poll(paths[i], &fake_tools);
	return frames;
}

static const char *front(uint16_t domid, const char *key)
{
	static char path[256];

	snprintf(path, sizeof(path), "/local/domain/%u/device/vif/0/%s", domid, key);
	return path;
}

static const char *back(uint16_t domid, const char *key)
{
	static char path[256];

	snprintf(path, sizeof(path), HOST_BACK "%u/0/%s", domid, key);
	return path;
}

void host_toolstack(uint16_t domid)
{
	fake_xs_put(back(domid, "frontend"), "/local/domain/%u/device/vif/0", domid);
	fake_xs_put(back(domid, "frontend-id"), "%u", domid);
	fake_xs_put(back(domid, "online"), "1");
	fake_xs_put(back(domid, "mac"), "02:00:00:00:00:%02x", domid & 0xff);
	fake_xs_put(back(domid, "state"), "1");
	fake_xs_put(front(domid, "state"), "1");
}

void host_front_key(uint16_t domid, const char *key, const char *value)
{
	fake_xs_put(front(domid, key), "%s", value);
}

void host_front_state(uint16_t domid, int state)
{
	fake_xs_put(front(domid, "state"), "%d", state);
}

int host_back_state(uint16_t domid)
{
	const char *state = fake_xs_get(back(domid, "state"));

	return state ? atoi(state) : -1;
}

const char *host_back_key(uint16_t domid, const char *key)
{
	return fake_xs_get(back(domid, key));
}

struct path *host_path(uint16_t domid)
{
	for (uint32_t i = 0; i < fake_host.attached; i++)
		if (paths[i]->config.domid == domid)
			return paths[i];
	return NULL;
}

void host_front_end(const struct guest *guest)
{
	const struct queue_config *queue = &guest->config.queues[0];
	static const char *const features[] = { "request-rx-copy",   "feature-sg",
						"feature-gso-tcpv4", "feature-gso-tcpv6",
						"feature-rx-notify", "feature-ipv6-csum-offload" };

	for (uint32_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		host_front_key(guest->domid, features[i], "1");
	fake_xs_put(front(guest->domid, "tx-ring-ref"), "%u", queue->tx_ref);
	fake_xs_put(front(guest->domid, "rx-ring-ref"), "%u", queue->rx_ref);
	fake_xs_put(front(guest->domid, "event-channel"), "%u", queue->tx_port);
}

struct guest *host_connect(uint16_t domid)
{
	struct guest *guest = guest_new(domid, 1);

	host_toolstack(domid);
	host_settle();
	host_front_end(guest);
	host_front_state(domid, 4);
	host_settle();
	return guest;
}

void host_connect_two(struct guest **on_vf, struct guest **on_switch)
{
	fake_host.vf_free = fake_host.vfs = 1;
	*on_vf = host_connect(7);
	for (int i = 0; i < 300; i++, fake_host.now_us += 10000) {
		fake_tools.now_us = fake_host.now_us;
		host_settle();
		host_poll();
	}
	*on_switch = host_connect(8);
	host_settle();
}
