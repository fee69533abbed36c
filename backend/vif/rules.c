/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads one vif's policy from all its sources, as one set; the admin's commands that change
 * it and explain where it comes from.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/files.h"
#include "vif.h"

LOG_TAG("vif");

#define RULES_MAX 64u
#define RULE_NAME_MAX 32u

/* The keys in policy/, as many as there can be rules. */
struct names {
	uint32_t nr;
	bool more;
	char name[RULES_MAX][RULE_NAME_MAX];
};

static void collect_name(void *arg, const char *name)
{
	struct names *names = arg;

	names->more = names->nr == RULES_MAX;
	if (!names->more)
		snprintf(names->name[names->nr++], RULE_NAME_MAX, "%s", name);
}

/* A value that was read into @text, @len as store_get_text() returned it. */
static int take_value(struct policy_draft *draft, const char *key, const char *text, int len,
		      char why[POLICY_ERROR_MAX])
{
	if (len == -ENOENT)
		return 0;
	if (len == -E2BIG || len == -EINVAL) {
		snprintf(why, POLICY_ERROR_MAX, "expected a text of at most %u bytes",
			 POLICY_TEXT_MAX - 1);
		return -EINVAL;
	}
	return len < 0 ? len : policy_set(draft, key, text, why);
}

/* What libxl writes; an empty value counts as absent. Return: 0, -errno with @error */
static int read_xl(struct vif *vif, struct policy_draft *draft, char *error)
{
	static const char *const keys[] = { "ip", "vlan", "mtu", "rate" };
	char text[POLICY_TEXT_MAX], why[POLICY_ERROR_MAX] = "";

	policy_source(draft, "xl");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int len =
			store_get_text(vif->host->store, vif->backend, keys[i], text, sizeof(text));
		int ret = take_value(draft, keys[i], text, len, why);

		if (!ret)
			continue;
		snprintf(error, POLICY_ERROR_MAX, "%s: %.*s", keys[i], 150, why);
		return ret;
	}
	return 0;
}

/* policy/ in the backend directory, which the guest can read and not write. */
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
	policy_source(draft, "policy/");
	if (names.more) {
		snprintf(error, POLICY_ERROR_MAX, "policy: expected at most %u keys", RULES_MAX);
		return -E2BIG;
	}
	for (uint32_t i = 0; i < names.nr; i++) {
		const char *key = names.name[i];
		int len = store_get_text(store, dir, key, text, sizeof(text));

		/* it exists, but its name was cut: too long for a rule, so policy_set() refuses it */
		if (len == -ENOENT)
			text[0] = '\0';
		ret = take_value(draft, key, text, len == -ENOENT ? 0 : len, why);
		if (!ret)
			continue;
		snprintf(error, POLICY_ERROR_MAX, "policy/%s: %.*s", key, 150, why);
		return ret;
	}
	return 0;
}

int vif_read_uuid(const struct vif *vif, char *uuid, size_t size)
{
	char key[16], vm[64];
	int ret;

	uuid[0] = '\0';
	snprintf(key, sizeof(key), "%u/vm", vif->domid);
	ret = store_get_text(vif->host->store, "/local/domain", key, vm, sizeof(vm));
	if (ret > 0 && !strncmp(vm, "/vm/", 4))
		snprintf(uuid, size, "%.36s", vm + 4);
	return ret < 0 && ret != -ENOENT ? ret : 0;
}

/* What a file may name this vif by. */
static void read_whom(struct vif *vif, struct policy_whom *whom)
{
	int ret;

	memset(whom, 0, sizeof(*whom));
	text_put_mac(whom->mac, vif->mac.addr_bytes);
	ret = store_get_text(vif->host->store, vif->backend, "vifname", whom->vifname,
			     sizeof(whom->vifname));
	if (ret < 0)
		whom->vifname[0] = '\0';
	if (ret < 0 && ret != -ENOENT)
		whom->no_vifname = strerror(-ret);
	ret = vif_read_uuid(vif, whom->uuid, sizeof(whom->uuid));
	if (ret)
		whom->no_uuid = strerror(-ret);
}

/*
 * Files of this host. Without a folder there are none, unless it was there, or the admin named it:
 * then rules are missing.
 */
static int read_files(struct vif *vif, struct policy_draft *draft, enum policy_rank rank,
		      char *error)
{
	const char *dir = vif->host->config->policy_dir;
	struct policy_whom whom;
	int ret;

	if (!*dir)
		return 0;
	read_whom(vif, &whom);
	ret = policy_set_files(draft, dir, &whom, rank, error);
	if (ret == -ENODEV && !vif->host->policy_dir_seen && !strcmp(dir, CONFIG_POLICY_DIR)) {
		error[0] = '\0';
		return 0;
	}
	vif->host->policy_dir_seen |= !ret;
	return ret;
}

/*
 * All sources in order. Every check that can refuse a policy is here, because
 * vif_set_policy() runs it before it commits. Return: 0, -EINVAL or -ENOENT with @error, -errno of the store
 */
static int read_once(struct vif *vif, struct policy_draft *draft, struct policy_trace *trace,
		     char *error)
{
	int ret;

	policy_init(draft);
	draft->trace = trace;
	if (trace)
		memset(trace, 0, sizeof(*trace));
	ret = policy_set_defaults(draft, vif->host->config, error);
	if (!ret)
		ret = read_files(vif, draft, POLICY_RANK_POLICY, error);
	if (!ret)
		ret = read_xl(vif, draft, error);
	if (!ret)
		ret = read_files(vif, draft, POLICY_RANK_OVERRIDE, error);
	if (!ret)
		ret = read_rules(vif, draft, error);
	if (!ret && vif->nic && nic_classes(vif->nic))
		draft->classes = (enum policy_classes)nic_classes(vif->nic)->classes;
	if (!ret)
		ret = policy_check(draft, error);
	if (!ret)
		ret = vif_check_mirror(vif, draft, error);
	if (!ret)
		ret = virtual_pf_check(vif, draft, error);
	return ret ? ret : nic_claims_admit(vif, draft, error);
}

/* @ret: of read_once(), which holds only if nobody wrote meanwhile */
struct reading {
	struct vif *vif;
	struct policy_draft *draft;
	struct policy_trace *trace;
	char *error;
	int ret;
};

static int run_read(void *arg)
{
	struct reading *reading = arg;

	reading->error[0] = '\0';
	reading->ret = read_once(reading->vif, reading->draft, reading->trace, reading->error);
	return 0;
}

/* One transaction, so rules that were written together are read together. */
static int read_whole(struct vif *vif, struct policy_draft *draft, struct policy_trace *trace,
		      char *error)
{
	struct reading reading = { .vif = vif, .draft = draft, .trace = trace, .error = error };
	int ret = store_transact(vif->host->store, run_read, &reading);

	return ret ? ret : reading.ret;
}

/* Write or remove policy-error, and log, when that changes. */
static void tell_error(struct vif *vif, const char *error)
{
	struct vif_policy *policy = &vif->policy;

	if (policy->told && !strcmp(policy->error, error))
		return;
	if (error[0])
		log_error("%s: policy refused, %s: %s", vif->name,
			  policy->valid ? "the previous one stays in force" : "no frames pass",
			  error);
	else if (policy->told)
		log_info("%s: policy is valid again", vif->name);
	if (error[0])
		store_put(vif->host->store, vif->backend, "policy-error", "%s", error);
	else
		store_remove(vif->host->store, vif->backend, "policy-error");
	snprintf(policy->error, sizeof(policy->error), "%s", error);
	policy->told = true;
}

/* A tag of vlan-outer takes room that a wire may not have. */
static uint32_t usable_mtu(const struct vif *vif)
{
	const struct policy_draft *draft = &vif->policy.draft;
	uint32_t mtu = draft->mtu;

	if (draft->vlan_outer && vif->nic)
		mtu = RTE_MIN(mtu, (uint32_t)nic_outer_mtu(vif->nic));
	if (mtu < draft->mtu && mtu != vif->policy.told_mtu)
		log_info(
			"%s: vlan-outer: the guest is told mtu %u: with the tag, the wire takes no more",
			vif->name, mtu);
	return mtu;
}

/*
 * A front end reads its MTU from its own directory when it connects (netif.h). One that is gone
 * already must not get a directory again.
 */
static void tell_mtu(struct vif *vif)
{
	struct store *store = vif->host->store;
	uint32_t mtu = usable_mtu(vif), now;

	if (vif->policy.told_mtu == mtu || !store_exists(store, vif->frontend, "state"))
		return;
	if (store_get_u32(store, vif->frontend, "mtu", 0, UINT16_MAX, &now))
		now = RTE_ETHER_MTU;
	if (now == mtu || !store_put(store, vif->frontend, "mtu", "%u", mtu))
		vif->policy.told_mtu = mtu;
}

/* All or nothing: a wrong value leaves the former policy in force. */
int vif_read_policy(struct vif *vif)
{
	struct policy_draft draft;
	char error[POLICY_ERROR_MAX] = "";
	int ret = read_whole(vif, &draft, NULL, error);

	if (!ret) {
		vif->policy.draft = draft;
		vif->policy.valid = true;
		nic_claims_update(vif);
		tell_mtu(vif);
	} else if (!vif->policy.valid) {
		policy_close(&vif->policy.draft);
	}
	if (!ret || error[0]) {
		tell_error(vif, error);
		return 0;
	}
	if (vif_may_warn(vif))
		log_warn("%s: cannot read the policy: %s, trying again", vif->name, strerror(-ret));
	return ret;
}

int vif_explain_policy(struct vif *vif, struct policy_trace *trace, char error[POLICY_ERROR_MAX])
{
	struct policy_draft draft;
	int ret = read_whole(vif, &draft, trace, error);

	if (ret && !error[0])
		snprintf(error, POLICY_ERROR_MAX, "xenstore: %s", strerror(-ret));
	return ret;
}

/* Names of keys, not paths. */
static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len < RULE_NAME_MAX && !text[len];
}

/* "KEY=VALUE" writes, "KEY" removes. */
static int write_rule(struct vif *vif, char *word, char *error)
{
	char *value = strchr(word, '=');
	char key[RULE_NAME_MAX + 8];
	int ret;

	if (value)
		*value++ = '\0';
	if (!is_name(word)) {
		snprintf(error, POLICY_ERROR_MAX, "'%.60s': expected KEY=VALUE, or KEY", word);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "policy/%s", word);
	ret = value ? store_put(vif->host->store, vif->backend, key, "%s", value) :
		      store_remove(vif->host->store, vif->backend, key);
	return ret == -ENOENT && !value ? 0 : ret;
}

struct setting {
	struct vif *vif;
	const char *words;
	char *error;
};

/* Writes the keys and judges the resulting policy, in one transaction. */
static int run_set(void *arg)
{
	struct setting *setting = arg;
	struct policy_draft draft;
	char text[POLICY_TEXT_MAX], *rest = text, *word;
	int ret = 0;

	snprintf(text, sizeof(text), "%s", setting->words);
	while (!ret && (word = strsep(&rest, ";")))
		ret = write_rule(setting->vif, word, setting->error);
	return ret ? ret : read_once(setting->vif, &draft, NULL, setting->error);
}

int vif_set_policy(struct vif *vif, const char *words, char error[POLICY_ERROR_MAX])
{
	struct setting setting = { .vif = vif, .words = words, .error = error };
	int ret;

	error[0] = '\0';
	if (strlen(words) >= POLICY_TEXT_MAX) {
		snprintf(error, POLICY_ERROR_MAX, "the rules are longer than %u bytes",
			 POLICY_TEXT_MAX - 1);
		return -E2BIG;
	}
	ret = store_transact(vif->host->store, run_set, &setting);
	if (ret && !error[0])
		snprintf(error, POLICY_ERROR_MAX, "xenstore: %s", strerror(-ret));
	if (!ret)
		vif->stale |= STALE_POLICY;
	return ret;
}
