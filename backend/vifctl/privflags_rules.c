/* SPDX-License-Identifier: BSD-3-Clause */
#include "privflags_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define RATE_US 50000u
#define VLAN_MAX 4094u

const struct privflags_bit privflags_features[PRIVFLAGS_BITS] = {
	{ .name = "split-drop",
	  .why = "a queue whose guest posts no buffers drops by itself, after 100 ms" },
	{ .name = "unicast-promisc", .keys = { "unknown-unicast" } },
	{ .name = "allmulti", .keys = { "multicast" } },
	{ .name = "broadcast", .keys = { "broadcast" } },
	{ .name = "spoof-check", .keys = { "anti-spoof" } },
	{ .name = "link", .keys = { "link" } },
	{ .name = "ping", .why = "netif has no message for a guest to answer" },
	{ .name = "mac-anti-spoof", .keys = { "anti-spoof" } },
	{ .name = "vlan-anti-spoof",
	  .why = "vlan-filter and vlan-insert always judge what the guest sends" },
	{ .name = "vlan-strip", .why = "the tag of vlan-insert is always removed, and no other" },
	{ .name = "rx-queues", .keys = { "rx" } },
	{ .name = "tx-queues", .keys = { "tx" } },
	{ .name = "reset-stats", .why = "'vifctl reset stats VIF' does it" },
	[15] = { .name = "trusted", .keys = { "guest-mac", "guest-promiscuous" } },
};

const struct privflags_bit privflags_rx_modes[PRIVFLAGS_BITS] = {
	{ .name = "untagged", .keys = { "allow-untagged" } },
	{ .name = "multicast-hash",
	  .why = "the guest's list of groups is compared as it is, not by a hash" },
	{ .name = "unicast-hash", .why = "the rule macs is compared as it is, not by a hash" },
	{ .name = "broadcast", .keys = { "broadcast" } },
	{ .name = "multicast", .keys = { "multicast" } },
};

static void put_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

/* "link" has words of its own. */
static void put_rule(struct json_object *policy, const char *key, bool set)
{
	struct json_object *other;

	if (!strcmp(key, "link"))
		put_text(policy, key, set ? "on" : "off");
	else if (set || !json_object_object_get_ex(policy, key, &other))
		put_text(policy, key, set ? "1" : "0");
}

void privflags_bit_rules(struct json_object *policy, struct json_object *unmet,
			 const struct privflags_bit bits[PRIVFLAGS_BITS], uint32_t mask,
			 uint32_t operand)
{
	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++) {
		bool set = operand & 1u << i;

		if (!(mask & 1u << i) || !bits[i].name)
			continue;
		if (set && bits[i].why)
			put_text(unmet, bits[i].name, bits[i].why);
		for (uint32_t k = 0; k < 2 && bits[i].keys[k]; k++)
			put_rule(policy, bits[i].keys[k], set);
	}
}

/* Bytes in an interval, as policy has them */
static int print_rate(char *text, size_t size, uint32_t mbps)
{
	return snprintf(text, size, "%" PRIu64 ",%u", (uint64_t)mbps * RATE_US / 8, RATE_US);
}

void privflags_rate_rule(struct json_object *policy, uint32_t mbps)
{
	char text[48] = "";

	if (mbps)
		print_rate(text, sizeof(text), mbps);
	put_text(policy, "rate", text);
}

void privflags_queue_rule(struct json_object *policy, uint64_t queues, uint32_t mbps)
{
	char text[64 * 32] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < 64 && mbps; i++) {
		if (!(queues & UINT64_C(1) << i))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRIu32 ":",
					 used ? " " : "", i);
		used += (size_t)print_rate(text + used, sizeof(text) - used, mbps);
	}
	put_text(policy, "queue-rate", text);
}

/* Return: 0, -EINVAL */
static int read_vlans(const char *text, bool vlans[VLAN_MAX + 2])
{
	uint32_t first, last;

	while (*text) {
		if (text_take_u32(&text, 1, VLAN_MAX, &first))
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (text_take_u32(&text, first, VLAN_MAX, &last))
				return -EINVAL;
		}
		while (first <= last)
			vlans[first++] = true;
		if (*text && *text++ != ',')
			return -EINVAL;
	}
	return 0;
}

int privflags_vlans(const char *now, uint32_t vlan, bool add, char list[PRIVFLAGS_VLANS_MAX])
{
	bool vlans[VLAN_MAX + 2] = { false };
	size_t used = 0;

	if (!vlan || vlan > VLAN_MAX || read_vlans(now, vlans))
		return -EINVAL;
	vlans[vlan] = add;
	for (uint32_t first = 1; first <= VLAN_MAX; first++) {
		uint32_t last = first;

		if (!vlans[first])
			continue;
		while (vlans[last + 1])
			last++;
		used += (size_t)snprintf(list + used, PRIVFLAGS_VLANS_MAX - used,
					 last > first ? "%s%" PRIu32 "-%" PRIu32 : "%s%" PRIu32,
					 used ? "," : "", first, last);
		first = last;
	}
	return used ? 0 : -EINVAL;
}
