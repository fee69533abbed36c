/* SPDX-License-Identifier: BSD-3-Clause */
#include "files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rules.h"

/* A rate of N Mbit/s is so many bytes in each of these, us. */
#define RATE_STEP_US 1000u

/**
 * struct vif_file - @rule: of vifd, or a counter, that it stands for
 * @write: NULL = it is read only
 */
struct vif_file {
	const char *name, *rule;
	int (*read)(struct vif_files *files, const char *vif, const char *rule, char *text);
	int (*write)(struct vif_files *files, const char *vif, const char *rule, const char *text);
};

static int read_flag(const char *text, bool *on)
{
	if (strcmp(text, "1") && strcmp(text, "on") && strcmp(text, "0") && strcmp(text, "off"))
		return -EINVAL;
	*on = !strcmp(text, "1") || !strcmp(text, "on");
	return 0;
}

static int expect_flag(struct vif_files *files, const char *vif, const char *text, bool *on)
{
	if (!read_flag(text, on))
		return 0;
	return rule_wrong(files, vif, EINVAL, "'%s': expected 1 or on, 0 or off", text);
}

static int set_flag(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	bool on = false;
	int ret = expect_flag(files, vif, text, &on);

	return ret ? ret : rule_set(files, vif, rule, on ? "1" : "0");
}

/* The opposite of the rule */
static int read_not(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	int ret = rule_value(files, vif, rule, text);

	strcpy(text, !strcmp(text, "1") ? "0" : "1");
	return ret;
}

static int set_not(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	bool on = false;
	int ret = expect_flag(files, vif, text, &on);

	return ret ? ret : rule_set(files, vif, rule, on ? "0" : "1");
}

/* Without the rule, untagged frames pass if there is no rule about VLANs. */
static int read_untagged(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	static const char *const others[] = { "vlan-filter", "vlan-insert", "vlan-outer", "vlan" };
	int ret = rule_value(files, vif, rule, text);
	bool tags = false;

	if (ret || *text)
		return ret;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && !ret; i++) {
		ret = rule_value(files, vif, others[i], text);
		tags |= *text != '\0';
	}
	strcpy(text, tags ? "0" : "1");
	return ret;
}

/* Frames of other VLANs than the vif's are always dropped. */
static int read_always(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	strcpy(text, "1");
	return rule_value(files, vif, rule, (char[FILE_TEXT_MAX]){ 0 });
}

static int set_always(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	bool on = false;
	int ret = expect_flag(files, vif, text, &on);

	(void)rule;
	if (!ret && !on)
		return rule_wrong(files, vif, EOPNOTSUPP,
				  "vifd always drops frames to VLANs that are not the vif's");
	return ret;
}

/* The address is the toolstack's. */
static int read_member(struct vif_files *files, const char *vif, const char *member, char *text)
{
	struct json_object *answer = client_ask(&files->client, "/vifd/vif,%s", vif);

	if (!answer)
		return files_failed(files, vif);
	snprintf(text, FILE_TEXT_MAX, "%s", text_of(answer, member));
	json_object_put(answer);
	return 0;
}

static int set_mac(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	(void)rule;
	(void)text;
	return rule_wrong(
		files, vif, EOPNOTSUPP,
		"the toolstack gives a vif its address (mac= of xl); mac_list takes more");
}

/* On: untagged frames of the guest get the one VLAN that trunk has, and lose it again. */
static int read_strip(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	int ret = rule_value(files, vif, rule, text);

	strcpy(text, *text ? "1" : "0");
	return ret;
}

static int set_strip(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	char trunk[FILE_TEXT_MAX];
	uint32_t vlan;
	bool on = false;
	int ret = expect_flag(files, vif, text, &on);

	if (ret || !on)
		return ret ? ret : rule_set(files, vif, rule, "");
	ret = rule_value(files, vif, "vlan-filter", trunk);
	if (ret)
		return ret;
	if (text_u32(trunk, 1, 4094, &vlan))
		return rule_wrong(files, vif, EINVAL,
				  "'%s': trunk must have one VLAN, which is inserted", trunk);
	return rule_set(files, vif, rule, trunk);
}

/* Mbit/s, 0 = no limit */
static int read_rate(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	uint64_t bytes = 0, us = 0;
	int ret = rule_value(files, vif, rule, text);

	if (!ret && *text && sscanf(text, "%" SCNu64 ",%" SCNu64, &bytes, &us) != 2)
		bytes = us = 0;
	snprintf(text, FILE_TEXT_MAX, "%" PRIu64, us ? bytes * 8 / us : 0);
	return ret;
}

static int set_rate(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	char value[64] = "";
	uint32_t mbps;

	if (text_u32(text, 0, 1000000, &mbps))
		return rule_wrong(files, vif, EINVAL, "'%s': expected Mbit/s, 0..1000000", text);
	if (mbps)
		snprintf(value, sizeof(value), "%u,%u", mbps * (RATE_STEP_US / 8), RATE_STEP_US);
	return rule_set(files, vif, rule, value);
}

static int read_counter(struct vif_files *files, const char *vif, const char *counter, char *text)
{
	struct json_object *answer = client_ask(&files->client, "/vifd/vif,%s", vif), *counters;
	size_t len = strlen(counter);
	uint64_t sum = 0;

	if (!answer)
		return files_failed(files, vif);
	counters = member_of(answer, "counters");
	sum = number_of(counters, counter);
	/* "tx_drop_": of all causes, their bytes apart */
	if (counters && counter[len - 1] == '_') {
		json_object_object_foreach(counters, name, value)
		{
			if (!strncmp(name, counter, len) && !strstr(name, "_bytes"))
				sum += json_object_get_uint64(value);
		}
	}
	json_object_put(answer);
	snprintf(text, FILE_TEXT_MAX, "%" PRIu64, sum);
	return 0;
}

static int read_zero(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	(void)files;
	(void)vif;
	(void)rule;
	strcpy(text, "0");
	return 0;
}

static int reset(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	struct json_object *answer;

	(void)rule;
	if (strcmp(text, "1") != 0)
		return rule_wrong(files, vif, EINVAL, "'%s': expected 1", text);
	answer = client_ask(&files->client, "/vifd/reset,%s", vif);
	if (!answer)
		return files_failed(files, vif);
	json_object_put(answer);
	return 0;
}

static const struct vif_file all[] = {
	{ "vlan_mirror", "mirror-vlan", mirror_vlan_read, mirror_vlan_write },
	{ "trunk", "vlan-filter", rule_value, rule_set },
	{ "allow_untagged", "allow-untagged", read_untagged, set_flag },
	{ "ingress_mirror", "rx", mirror_read, mirror_write },
	{ "egress_mirror", "tx", mirror_read, mirror_write },
	{ "mac_anti_spoof", "anti-spoof", rule_value, set_flag },
	{ "vlan_anti_spoof", "vlan-filter", read_always, set_always },
	{ "loopback", "isolated", read_not, set_not },
	{ "mac", "mac", read_member, set_mac },
	{ "mac_list", "macs", rule_value, rule_set },
	{ "promisc", "promiscuous", rule_value, set_flag },
	{ "allow_bcast", "broadcast", rule_value, set_flag },
	{ "vlan_strip", "vlan-insert", read_strip, set_strip },
	{ "max_tx_rate", "rate", read_rate, set_rate },
	{ "link_state", "link", rule_value, rule_set },
	{ "reset_stats", "", read_zero, reset },
	{ "stats/rx_packets", "rx_packets", read_counter, NULL },
	{ "stats/rx_bytes", "rx_bytes", read_counter, NULL },
	{ "stats/rx_dropped", "rx_drop_", read_counter, NULL },
	{ "stats/tx_packets", "tx_packets", read_counter, NULL },
	{ "stats/tx_bytes", "tx_bytes", read_counter, NULL },
	{ "stats/tx_dropped", "tx_drop_", read_counter, NULL },
	{ "stats/tx_spoofed", "tx_drop_spoof", read_counter, NULL },
};

#define NR_FILES (sizeof(all) / sizeof(all[0]))

const struct vif_file *file_find(const char *name)
{
	for (size_t i = 0; i < NR_FILES; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

const char *file_name(unsigned int n)
{
	return n < NR_FILES ? all[n].name : NULL;
}

bool file_is_writable(const struct vif_file *file)
{
	return file->write != NULL;
}

int file_read(struct vif_files *files, const char *vif, const struct vif_file *file,
	      char text[FILE_TEXT_MAX])
{
	int ret = files_connect(files);
	size_t len;

	if (!ret)
		ret = file->read(files, vif, file->rule, text);
	len = ret ? 0 : strlen(text);
	if (len + 2 <= FILE_TEXT_MAX)
		strcpy(text + len, "\n");
	return ret;
}

int file_write(struct vif_files *files, const char *vif, const struct vif_file *file,
	       const char *text)
{
	int ret = files_connect(files);

	if (ret)
		return rule_wrong(files, vif, -ret, "vifd does not run");
	if (!file->write)
		return -EACCES;
	ret = file->write(files, vif, file->rule, text);
	if (!ret && !strcmp(files->vif, vif))
		files->why[0] = '\0';
	return ret;
}
