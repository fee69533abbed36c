/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may change while a vif is connected: the policy, rate, link, multicast
 * filter, XDP headroom. Read from xenstore at every update, told to the path as a
 * whole and only when it differs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy_files.h"
#include "vif.h"

LOG_TAG("vif");

/* A link that changes is seen this soon. */
#define LINK_LOOK_US 1000000u

/* Room for data must remain in the first buffer. */
#define HEADROOM_MAX (NETIF_PAGE_SIZE / 2)

/* A transaction that others disturb is read anew this often. */
#define READS_MAX 8

#define RULES_MAX 64u
#define RULE_NAME_MAX 32u

/* The names in the policy directory, as many as there can be rules. */
struct names {
	uint32_t nr;
	char name[RULES_MAX][RULE_NAME_MAX];
};

static void collect_name(void *arg, const char *name)
{
	struct names *names = arg;

	if (names->nr < RULES_MAX)
		snprintf(names->name[names->nr++], RULE_NAME_MAX, "%s", name);
}

/* A value that was read into @text, @len as store_get_text() returned it. */
static int take_value(struct policy_draft *draft, const char *key, const char *text, int len,
		      char why[POLICY_ERROR_MAX])
{
	if (len == -ENOENT)
		return 0;
	if (len == -E2BIG || len == -EINVAL) {
		snprintf(why, POLICY_ERROR_MAX, "no text of at most %u bytes", POLICY_TEXT_MAX - 1);
		return -EINVAL;
	}
	return len < 0 ? len : policy_set(draft, key, text, why);
}

/* What libxl writes; an empty value says nothing. */
static int read_xl(struct vif *vif, struct policy_draft *draft, const char **key, char *why)
{
	struct store *store = vif->host->store;
	char text[POLICY_TEXT_MAX];
	int len;

	*key = "ip";
	len = store_get_text(store, vif->backend, "ip", text, sizeof(text));
	if (take_value(draft, *key, text, len, why))
		return -EINVAL;
	*key = "vlan";
	len = store_get_text(store, vif->backend, "vlan", text, sizeof(text));
	if (take_value(draft, *key, text, len, why))
		return -EINVAL;
	*key = "mtu";
	len = store_get_text(store, vif->backend, "mtu", text, sizeof(text));
	if (take_value(draft, *key, text, len, why))
		return -EINVAL;
	*key = "rate";
	len = store_get_text(store, vif->backend, "rate", text, sizeof(text));
	return take_value(draft, *key, text, len, why);
}

/* Our own directory's policy/; the guest may read it and no more. */
static int read_rules(struct vif *vif, struct policy_draft *draft, char *error)
{
	struct store *store = vif->host->store;
	char dir[STORE_PATH_MAX], text[POLICY_TEXT_MAX], why[POLICY_ERROR_MAX] = "";
	struct names names = { 0 };
	int ret;

	snprintf(dir, sizeof(dir), "%s/policy", vif->backend);
	ret = store_list(store, dir, collect_name, &names);
	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	for (uint32_t i = 0; i < names.nr; i++) {
		const char *key = names.name[i];

		ret = take_value(draft, key, text,
				 store_get_text(store, dir, key, text, sizeof(text)), why);
		if (!ret)
			continue;
		snprintf(error, POLICY_ERROR_MAX, "policy/%s: %.*s", key, 150, why);
		return ret;
	}
	return 0;
}

/* By what a file may name this vif; the domain's uuid is where libxl and xapi put it. */
static void read_whom(struct vif *vif, struct policy_whom *whom)
{
	const uint8_t *mac = vif->mac.addr_bytes;
	char key[16], vm[64];

	memset(whom, 0, sizeof(*whom));
	snprintf(whom->mac, sizeof(whom->mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	if (store_get_text(vif->host->store, vif->backend, "vifname", whom->vifname,
			   sizeof(whom->vifname)) < 0)
		whom->vifname[0] = '\0';
	snprintf(key, sizeof(key), "%u/vm", vif->domid);
	if (store_get_text(vif->host->store, "/local/domain", key, vm, sizeof(vm)) > 0 &&
	    !strncmp(vm, "/vm/", 4))
		snprintf(whom->uuid, sizeof(whom->uuid), "%.36s", vm + 4);
}

/* What is kept on this host. */
static int read_host(struct vif *vif, struct policy_draft *draft, char *error)
{
	const struct config *config = vif->host->config;
	struct policy_whom whom;
	int ret = policy_set_defaults(draft, config, error);

	if (ret)
		return ret;
	read_whom(vif, &whom);
	return policy_set_files(draft, config->policy_dir, &whom, error);
}

/* Every source in order. Return: 0, -EINVAL or -ENOENT with @error, -errno of the store */
static int read_once(struct vif *vif, struct policy_draft *draft, char *error)
{
	char why[POLICY_ERROR_MAX] = "";
	const char *key;
	int ret;

	policy_init(draft);
	ret = read_host(vif, draft, error);
	if (ret)
		return ret;
	ret = read_xl(vif, draft, &key, why);
	if (ret) {
		snprintf(error, POLICY_ERROR_MAX, "%s: %.*s", key, 150, why);
		return ret;
	}
	return read_rules(vif, draft, error);
}

/* Rules that were written together are taken together. */
static int read_whole(struct vif *vif, struct policy_draft *draft, char *error)
{
	struct store *store = vif->host->store;
	int ret = -EAGAIN;

	for (int i = 0; i < READS_MAX && ret == -EAGAIN; i++) {
		int end = store_begin(store);

		if (end)
			return end;
		error[0] = '\0';
		ret = read_once(vif, draft, error);
		end = store_commit(store);
		if (end)
			ret = end;
	}
	return ret;
}

/* Say in policy-error what is wrong, once, and that it no longer is. */
static void tell_error(struct vif *vif, const char *error)
{
	struct vif_policy *policy = &vif->policy;

	if (policy->told && !strcmp(policy->error, error))
		return;
	if (error[0])
		log_error("%s: policy refused, %s: %s", vif->name,
			  policy->valid ? "the former one stays" : "nothing passes", error);
	else if (policy->told)
		log_info("%s: policy is right again", vif->name);
	if (error[0])
		store_put(vif->host->store, vif->backend, "policy-error", "%s", error);
	else
		store_remove(vif->host->store, vif->backend, "policy-error");
	snprintf(policy->error, sizeof(policy->error), "%s", error);
	policy->told = true;
}

/* All of it or nothing: a wrong value leaves the former policy in force. */
static void read_policy(struct vif *vif)
{
	struct policy_draft draft;
	char error[POLICY_ERROR_MAX] = "";
	int ret = read_whole(vif, &draft, error);

	if (!ret) {
		vif->policy.draft = draft;
		vif->policy.valid = true;
	} else if (!vif->policy.valid) {
		policy_close(&vif->policy.draft);
	}
	if (!ret || error[0])
		tell_error(vif, error);
	else if (log_allowed(&vif->limit))
		log_warn("%s: policy cannot be read: %s, trying again", vif->name, strerror(-ret));
}

void vif_read_live(struct vif *vif, struct path_live *live)
{
	struct store *store = vif->host->store;
	uint32_t headroom;

	memset(live, 0, sizeof(*live));
	/* what the guest wants of itself; nothing in its directory is policy */
	live->link = !store_get_flag(store, vif->frontend, "disconnect", false);
	live->mcast_filter =
		store_get_flag(store, vif->frontend, "request-multicast-control", false);
	if (!store_get_u32(store, vif->frontend, "xdp-headroom", 0, HEADROOM_MAX, &headroom))
		live->xdp_headroom = (uint16_t)headroom;
	read_policy(vif);
	policy_compile(&vif->policy.draft, &vif->mac, live);
	/* others hear of it at their next update, within a second */
	if (neighbours_isolated()) {
		live->policy.tx |= POLICY_APART;
		live->policy.rx |= POLICY_APART;
	}
}

void vif_tell_neighbours(struct vif *vif)
{
	const struct policy *policy = &vif->live.policy;
	struct neighbour now = { 0 };

	static_assert(NEIGHBOUR_MACS_MAX == POLICY_MACS_MAX + 1, "its own and its list");
	if (vif->path) {
		now.isolated = policy->tx & POLICY_ISOLATED;
		now.macs[0] = vif->mac;
		memcpy(now.macs + 1, policy->macs, policy->nr_macs * sizeof(now.macs[0]));
		now.nr_macs = policy->nr_macs + 1;
	}
	neighbours_tell(&vif->neighbour, &now);
}

struct live_call {
	struct path *path;
	const struct path_live *live;
};

static int run_set_live(struct worker *worker, void *arg)
{
	struct live_call *call = arg;

	(void)worker;
	path_set_live(call->path, call->live);
	return 0;
}

static void write_carrier(struct vif *vif)
{
	struct port_link link = { .up = true };
	int carrier;

	vif->path->port->ops->link_get(vif->path->port, &link);
	carrier = (link.up || vif->policy.draft.link == POLICY_LINK_ON) && vif->live.link;
	if (carrier == vif->carrier)
		return;
	if (vif->carrier >= 0)
		log_info("%s: link %s", vif->name, carrier ? "up" : "down");
	vif->carrier = carrier;
	store_put(vif->host->store, vif->backend, "carrier", "%d", carrier);
}

/* Not less than the path lets through, and something where that is little. */
static uint32_t rate_mbps(const struct path_live *live)
{
	uint64_t mbps = live->rate_us ?
				live->rate_bytes / live->rate_us * 8 +
					live->rate_bytes % live->rate_us * 8 / live->rate_us :
				0;

	if (!live->rate_bytes)
		return 0;
	return mbps < UINT32_MAX ? (uint32_t)mbps + 1 : 0;
}

/* Which VLANs must arrive; a NIC does not look for those inside an 802.1ad tag. */
static void rules_vlans(const struct policy *policy, uint64_t vlans[PORT_VLANS / 64])
{
	static_assert(PORT_VLANS == POLICY_VLANS, "the same VLANs");

	if ((policy->rx & (POLICY_VLAN | POLICY_OUTER)) == POLICY_VLAN && policy->member)
		memcpy(vlans, policy->vlans, sizeof(policy->vlans));
}

/*
 * A NIC's spoof check knows one address and, on some NICs, no VLAN: where the
 * policy allows more, the path checks alone.
 */
void vif_tell_port(struct vif *vif, struct port *port)
{
	static const enum port_wish links[] = { [POLICY_LINK_AUTO] = PORT_LINK_AUTO,
						[POLICY_LINK_ON] = PORT_LINK_ON,
						[POLICY_LINK_OFF] = PORT_LINK_OFF };
	const struct policy *policy = &vif->live.policy;
	struct port_rules rules = {
		.spoof_check = policy->anti_spoof && !policy->nr_macs &&
			       !(policy->tx & (POLICY_VLAN | POLICY_OUTER)),
		.link = links[vif->policy.draft.link],
		.max_mbps = rate_mbps(&vif->live),
		.promiscuous = vif->policy.draft.promiscuous,
		.weight = vif->policy.draft.weight,
		.nr_macs = policy->nr_macs,
	};

	static_assert(PORT_MACS_MAX == POLICY_MACS_MAX, "the same addresses");
	memcpy(rules.macs, policy->macs, sizeof(rules.macs));
	rules_vlans(policy, rules.vlans);
	port_rules(port, &rules);
}

void vif_update_live(struct vif *vif, uint64_t now_us)
{
	struct path_live live;

	vif_read_live(vif, &live);
	if (memcmp(&live, &vif->live, sizeof(live))) {
		vif->live = live;
		worker_run(vif->worker, run_set_live,
			   &(struct live_call){ .path = vif->path, .live = &vif->live });
	}
	vif_tell_neighbours(vif);
	vif_tell_port(vif, vif->path->port);
	write_carrier(vif);
	vif_due(vif, now_us + LINK_LOOK_US);
}
