/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting a vif: the features we offer, the guest's keys, and the path made from them.
 * Disconnecting it, and stopping a guest that broke the protocol.
 *
 * A vif connects on the software switch at once and moves to a VF when one is ready, so no
 * guest waits for a VF's link.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "port/filter/groups.h"
#include "ctrl.h"
#include "query.h"
#include "zerocopy_tx.h"
#include "zerocopy_rx.h"
#include "vif.h"

LOG_TAG("vif");

/* What libxl writes to bridge where the vif line has none. */
#define XL_DEFAULT_BRIDGE "xenbr0"

#define FAULT_MAX 512u

static const struct {
	const char *key;
	int value;
} features[] = {
	{ "feature-rx-copy", 1 },
	{ "feature-rx-flip", 0 },
	{ "feature-sg", 1 },
	{ "feature-gso-tcpv4", 1 },
	{ "feature-gso-tcpv6", 1 },
	{ "feature-ipv6-csum-offload", 1 },
	{ "feature-split-event-channels", 1 },
	{ "feature-multicast-control", 1 },
	{ "feature-dynamic-multicast-control", 1 },
	{ "feature-ctrl-ring", 1 },
	{ "feature-xdp-headroom", 1 },
};

/* A guest that xen-netback offered more queues may use more than we offer. */
static uint32_t used_queues(const struct vif *vif)
{
	return vif->path ? path_nr_queues(vif->path) : 0;
}

static int publish(void *arg)
{
	struct vif *vif = arg;
	struct store *store = vif->host->store;
	struct rte_ether_addr mac;
	int ret = store_get_mac(store, vif->backend, "mac", mac.addr_bytes);

	/* that of another vif, made in its place before we heard of that */
	if (ret == 0 && !rte_is_same_ether_addr(&mac, &vif->mac))
		ret = -ESTALE;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]) && !ret; i++)
		ret = store_put(store, vif->backend, features[i].key, "%d", features[i].value);
	if (!ret)
		ret = store_put(store, vif->backend, "multi-queue-max-queues", "%u",
				RTE_MAX(vif->host->config->max_queues, used_queues(vif)));
	if (!ret)
		ret = store_put(store, vif->backend, "served-by", "vifd");
	return ret;
}

int vif_write_features(struct vif *vif)
{
	return store_transact(vif->host->store, publish, vif);
}

bool vif_is_published(const struct vif *vif)
{
	return store_exists(vif->host->store, vif->backend, "served-by");
}

/* The toolstack's keys are wrong: the guest gets no network, and its user learns why, once. */
static int refuse_keys(struct vif *vif, const char *why)
{
	char told[FAULT_MAX];

	if (store_get_text(vif->host->store, vif->backend, "fault", told, sizeof(told)) >= 0 &&
	    !strcmp(told, why))
		return -ENODEV;
	if (vif_may_warn(vif))
		log_error("%s: %s", vif->name, why);
	store_put(vif->host->store, vif->backend, "fault", "%s", why);
	return -ENODEV;
}

/*
 * A [nic] of this name, else one whose pf or uplink has it; xl's default, or none, is the first NIC.
 * Return: NULL: nothing has this name
 */
static struct nic *choose_nic(const struct host *host, const char *bridge)
{
	for (uint32_t i = 0; i < host->nr_nics; i++)
		if (!strcmp(host->config->nics[i].name, bridge))
			return host->nics[i];
	for (uint32_t i = 0; i < host->nr_nics; i++)
		if (nic_matches(host->nics[i], bridge))
			return host->nics[i];
	return !*bridge || !strcmp(bridge, XL_DEFAULT_BRIDGE) ? host->nics[0] : NULL;
}

static void list_nics(const struct config *config, char *text, size_t size)
{
	size_t len = strlen(text);

	for (uint32_t i = 0; i < config->nr_nics && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, " %s", config->nics[i].name);
}

/* On the wrong network a guest is worse off than on none. */
static int refuse_bridge(struct vif *vif, const char *bridge)
{
	char why[FAULT_MAX];

	snprintf(
		why, sizeof(why),
		"bridge=%s: no [nic] of vifd.conf has this name, pf or uplink; there are:", bridge);
	list_nics(vif->host->config, why, sizeof(why));
	return refuse_keys(vif, why);
}

int vif_choose_nic(struct vif *vif)
{
	char bridge[64] = "";
	int ret = store_get_text(vif->host->store, vif->backend, "bridge", bridge, sizeof(bridge));

	if (rte_is_zero_ether_addr(&vif->mac))
		return refuse_keys(vif, "mac: expected a unicast address, as 00:16:3e:00:00:01");
	if (ret < 0 && ret != -ENOENT)
		snprintf(bridge, sizeof(bridge), "?");
	vif->nic = choose_nic(vif->host, bridge);
	/* it may name a bridge of this domain, whose ports need no NIC */
	if (!vif->nic && !vif_read_policy(vif) && vif_wants_kernel(vif))
		vif->nic = vif->host->nics[0];
	nic_claims_update(vif);
	return vif->nic ? 0 : refuse_bridge(vif, bridge);
}

int vif_publish(struct vif *vif, uint64_t now_us)
{
	store_remove(vif->host->store, vif->backend, "fault");
	/* some of it the front end reads when it sees InitWait; what fails here is read again then */
	vif_read_policy(vif);
	virtual_pf_publish(vif);
	request_owner_came(vif);
	kernel_path_follow(vif, now_us);
	return vif_write_features(vif);
}

/* Return: NULL, or what is wrong with the guest's keys for one queue. */
static const char *read_queue(struct vif *vif, const char *dir, struct queue_config *queue)
{
	struct store *store = vif->host->store;
	uint32_t port;

	if (store_get_u32(store, dir, "tx-ring-ref", 1, UINT32_MAX, &queue->tx_ref))
		return "tx-ring-ref is missing or wrong";
	if (store_get_u32(store, dir, "rx-ring-ref", 1, UINT32_MAX, &queue->rx_ref))
		return "rx-ring-ref is missing or wrong";
	if (!store_get_u32(store, dir, "event-channel-tx", 1, EVT_PORTS_MAX, &queue->tx_port)) {
		if (store_get_u32(store, dir, "event-channel-rx", 1, EVT_PORTS_MAX,
				  &queue->rx_port))
			return "event-channel-rx is missing or wrong";
		return NULL;
	}
	if (store_get_u32(store, dir, "event-channel", 1, EVT_PORTS_MAX, &port))
		return "event-channel is missing or wrong";
	queue->tx_port = port;
	queue->rx_port = port;
	return NULL;
}

/*
 * Most queues that the guest may have been offered: by us, by xen-netback, or by a former vifd, which
 * is what the key says.
 */
static uint32_t offered_queues(const struct vif *vif)
{
	uint32_t most = RTE_MAX(vif->host->config->max_queues, vif->kernel_queues), told;

	if (!store_get_u32(vif->host->store, vif->backend, "multi-queue-max-queues", 1,
			   CONFIG_QUEUES_MAX, &told))
		most = RTE_MAX(most, told);
	return most;
}

static const char *read_queues(struct vif *vif, struct path_config *config)
{
	char dir[STORE_PATH_MAX];
	const char *why = NULL;
	int ret = store_get_u32(vif->host->store, vif->frontend, "multi-queue-num-queues", 1,
				offered_queues(vif), &config->nr_queues);

	if (ret == -ENOENT)
		config->nr_queues = 1;
	else if (ret)
		return "multi-queue-num-queues is not between 1 and multi-queue-max-queues";
	/* where there are flat keys, queue-0 is what a former life of the front end left */
	if (config->nr_queues == 1 &&
	    (store_exists(vif->host->store, vif->frontend, "tx-ring-ref") ||
	     !store_exists(vif->host->store, vif->frontend, "queue-0")))
		return read_queue(vif, vif->frontend, &config->queues[0]);
	for (uint32_t i = 0; i < config->nr_queues && !why; i++) {
		snprintf(dir, sizeof(dir), "%s/queue-%u", vif->frontend, i);
		why = read_queue(vif, dir, &config->queues[i]);
	}
	return why;
}

static const char *read_frontend(struct vif *vif, struct path_config *config)
{
	struct store *store = vif->host->store;

	memset(config, 0, sizeof(*config));
	config->domid = vif->domid;
	config->handle = vif->handle;
	config->backlog_bytes = vif->host->config->backlog_kb * 1024;
	if (!store_get_flag(store, vif->frontend, "request-rx-copy", false))
		return "request-rx-copy is not 1";
	config->rx_csum4 = !store_get_flag(store, vif->frontend, "feature-no-csum-offload", false);
	config->rx_csum6 = store_get_flag(store, vif->frontend, "feature-ipv6-csum-offload", false);
	config->rx_sg = store_get_flag(store, vif->frontend, "feature-sg", false);
	/* An unsegmented frame lies in several slots and has a blank checksum. */
	config->rx_gso4 = config->rx_sg && config->rx_csum4 &&
			  store_get_flag(store, vif->frontend, "feature-gso-tcpv4", false);
	config->rx_gso6 = config->rx_sg && config->rx_csum6 &&
			  store_get_flag(store, vif->frontend, "feature-gso-tcpv6", false);
	config->rx_notify = store_get_flag(store, vif->frontend, "feature-rx-notify", false);
	return read_queues(vif, config);
}

/* Trouble of the host: log it, rate limited, and try again. */
static int try_again(struct vif *vif, const char *what, int error)
{
	if (vif_may_warn(vif))
		log_warn("%s: %s: %s, trying again", vif->name, what, strerror(error));
	return -EAGAIN;
}

static int connect_port(struct vif *vif)
{
	struct port *port = vif_open_shared(vif, false);

	if (port) {
		path_set_port(vif->path, port);
		return 0;
	}
	if (vif_wants_kernel(vif))
		return try_again(vif, "path=kernel: no netdev", errno);
	if (errno == EEXIST)
		return try_again(vif, "another vif has this mac", EEXIST);
	return try_again(vif, "no port on the switch", errno);
}

void vif_refuse(struct vif *vif, const char *why)
{
	if (vif_may_warn(vif))
		log_warn("%s: stopped, the guest broke the protocol: %s", vif->name, why);
	vif->fault = why;
	store_put(vif->host->store, vif->backend, "fault", "%s", why);
	vif->stale |= STALE_STATE;
}

void vif_fault(struct vif *vif, const char *why)
{
	vif_refuse(vif, why);
	vif_disconnect(vif);
}

/* A lack of memory is the host's trouble; any other failure is the guest's doing. */
static bool is_host_trouble(int error)
{
	return error == ENOMEM || error == ENOSPC || error == EMFILE;
}

static int connect_failed(struct vif *vif, const char *what, int error)
{
	if (is_host_trouble(error))
		return try_again(vif, what, error);
	vif_refuse(vif, what);
	return -EPROTO;
}

/*
 * Both keys are there, or the guest has no control ring. If they lead nowhere, they are those of a
 * former life of the front end: a driver that knows no control ring does not remove them.
 */
static int connect_ctrl(struct vif *vif)
{
	struct store *store = vif->host->store;
	uint32_t ref, port;
	int error;

	if (store_get_u32(store, vif->frontend, "ctrl-ring-ref", 1, UINT32_MAX, &ref) ||
	    store_get_u32(store, vif->frontend, "event-channel-ctrl", 1, EVT_PORTS_MAX, &port))
		return 0;
	vif->ctrl = ctrl_open(vif->host, vif->domid, ref, port);
	if (vif->ctrl)
		return 0;
	error = errno;
	if (is_host_trouble(error))
		return -error;
	if (vif_may_warn(vif))
		log_warn("%s: control ring cannot be mapped or bound (%s): connected without it",
			 vif->name, strerror(error));
	return 0;
}

/* Take up what a former vifd kept of this connection, or begin anew. Return: 0, -errno */
static int connect_kept(struct vif *vif)
{
	const struct path_config *config = path_get_config(vif->path);
	struct port *port = path_get_port(vif->path);
	bool served = path_was_served(vif->path) || (vif->ctrl && ctrl_was_served(vif->ctrl));
	struct kept_life life;

	memset(&life, 0, sizeof(life));
	life.domid = vif->domid;
	life.handle = vif->handle;
	life.mac = vif->mac;
	vif_read_uuid(vif, life.uuid, sizeof(life.uuid));
	if (vif->ctrl)
		ctrl_identity(vif->ctrl, &life.ctrl_ref, &life.ctrl_port);
	life.nr_queues = config->nr_queues;
	memcpy(life.queues, config->queues, config->nr_queues * sizeof(life.queues[0]));
	vif->kept = kept_open(vif->host->config->run_dir, &life, served);
	if (!vif->kept)
		return -errno;
	path_set_groups(vif->path, kept_mcast(vif->kept), kept_is_partial(vif->kept));
	if (port->groups)
		groups_keep(port->groups, kept_learnt(vif->kept));
	if (vif->ctrl) {
		ctrl_serve_pf(vif->ctrl, vif, &vif->virtual_pf.wishes, &vif->virtual_pf.rules,
			      virtual_pf_message);
		ctrl_keep(vif->ctrl, vif->path, vif->kept);
		virtual_pf_restored(vif);
	}
	vif->assign.pinned = kept_pin(vif->kept) != KEPT_PIN_NONE;
	vif->assign.pinned_vf = kept_pin(vif->kept) == KEPT_PIN_VF;
	return 0;
}

/* Give back what a path that no worker has consists of. @stay: for the next attempt, or the next vifd */
static void release(struct vif *vif, bool stay)
{
	struct port *port = path_get_port(vif->path);

	ctrl_close(vif->ctrl);
	vif->ctrl = NULL;
	/* the frames that came by the port go before it (port.h) */
	path_destroy(vif->path, vif->host->gnt);
	vif_close_port(vif, port);
	vif->path = NULL;
	kept_close(vif->kept, stay);
	vif->kept = NULL;
}

/* All that a mapped path needs besides. Return: as vif_connect() */
static int connect_path(struct vif *vif)
{
	int ret = connect_port(vif);

	if (ret)
		return ret;
	ret = connect_ctrl(vif);
	if (ret)
		return connect_failed(vif, "control ring", -ret);
	ret = connect_kept(vif);
	if (ret)
		return connect_failed(vif, "what is kept of it", -ret);
	vif->balance = (struct balance_vif){ 0 };
	vif->worker = balance_worker(vif);
	ret = worker_attach(vif->worker, vif->path);
	return ret ? connect_failed(vif, "event channels cannot be bound", -ret) : 0;
}

int vif_connect(struct vif *vif, uint64_t now_us)
{
	struct host *host = vif->host;
	struct path_config config;
	const char *why = read_frontend(vif, &config);
	int ret;

	if (why) {
		vif_refuse(vif, why);
		return -EPROTO;
	}
	vif->stale |= STALE_GUEST | STALE_POLICY;
	vif->moderation = (struct moderation){ 0 };
	vif_read_live(vif, &vif->live, now_us);
	vif->path = path_create(&config, &vif->live, host->gnt, host->raise);
	if (!vif->path)
		return connect_failed(vif, "rings cannot be mapped", errno);
	vif->zerocopy_rx = (struct zerocopy_rx){ 0 };
	vif->nic_flows = (struct nic_flows){ 0 };
	ret = connect_path(vif);
	if (ret) {
		release(vif, true);
		return ret;
	}
	/* the next vifd is to find that the guest may use so many */
	if (config.nr_queues > host->config->max_queues)
		vif_write_features(vif);
	query_guest(vif);
	vif_write_path(vif);
	vif->stale |= STALE_RECORD | STALE_LIVE;
	vif->heard = BUDGET_HEARD;
	assign_begin(vif, now_us);
	assign_kick(host->assign);
	if (vif_may_tell(vif))
		log_info("%s: connected, %u queues, on %s", vif->name, config.nr_queues,
			 path_get_port(vif->path)->name);
	return 0;
}

void vif_disconnect(struct vif *vif)
{
	struct path *path = vif->path;
	uint32_t waited_us;

	vif_cancel_vf(vif);
	vif->move = VIF_MOVE_NONE;
	vif->move_error = 0;
	if (!path)
		return;
	nic_flows_end(&vif->nic_flows, vif->worker, path);
	vif_end_handover(vif);
	vif_end_mirror(vif);
	vf_rules_end(vif);
	representor_keep(vif);
	/* a frame that is not answered by then is sent again by the next back end */
	zerocopy_tx_wait(vif->worker, path, 0, path_nr_queues(path) - 1, &waited_us);
	zerocopy_rx_end(&vif->zerocopy_rx, vif->worker, path, false);
	worker_detach(vif->worker, path);
	release(vif, vif->stays);
	virtual_pf_end(vif);
	/* what the guest asked for while it was connected is over */
	vif->stale |= STALE_LIVE;
	vif->carrier = -1;
	assign_forget(vif);
	capability_stop(vif);
	store_remove(vif->host->store, vif->backend, "path");
	store_remove(vif->host->store, vif->backend, "vf");
	vif_free_mac(vif);
	if (vif_may_tell(vif))
		log_info("%s: disconnected", vif->name);
}
