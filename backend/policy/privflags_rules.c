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

static const struct privflags_bit *bits_of(const struct privflags *command)
{
	return command->op == PRIVFLAGS_FEATURE ? privflags_features : privflags_rx_modes;
}

/* The bits that change, and those of them that are set */
static void changed(const struct privflags *command, uint32_t *mask, uint32_t *set)
{
	bool feature = command->op == PRIVFLAGS_FEATURE;
	uint32_t named = feature ? command->operand : command->operand & ~PRIVFLAGS_SET;

	*mask = feature ? UINT16_MAX : named;
	*set = feature || command->operand & PRIVFLAGS_SET ? named : 0;
}

/* Those of the bits in @mask that stand for a rule */
static uint32_t bits_with_key(const struct privflags_bit bits[PRIVFLAGS_BITS], uint32_t mask,
			      const char *key)
{
	uint32_t with = 0;

	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++)
		for (uint32_t k = 0; k < 2 && bits[i].keys[k]; k++)
			if (mask & 1u << i && !strcmp(bits[i].keys[k], key))
				with |= 1u << i;
	return with;
}

/* "link" has words of its own. */
static void put_rule(privflags_put *put, void *arg, const char *key, bool set)
{
	if (!strcmp(key, "link"))
		put(arg, key, set ? "on" : "off");
	else
		put(arg, key, set ? "1" : "0");
}

static void put_bit_rules(const struct privflags *command, privflags_put *put, void *arg)
{
	const struct privflags_bit *bits = bits_of(command);
	uint32_t mask, set;

	changed(command, &mask, &set);
	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++) {
		for (uint32_t k = 0; mask & 1u << i && k < 2 && bits[i].keys[k]; k++) {
			uint32_t with = bits_with_key(bits, mask, bits[i].keys[k]);

			/* the first of several tells it */
			if (!(with & ((1u << i) - 1)))
				put_rule(put, arg, bits[i].keys[k], with & set);
		}
	}
}

void privflags_unmet(const struct privflags *command, privflags_put *put, void *arg)
{
	uint32_t mask, set;

	if (command->step || command->op > PRIVFLAGS_RX_MODE)
		return;
	changed(command, &mask, &set);
	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++) {
		const struct privflags_bit *bit = &bits_of(command)[i];

		if (set & 1u << i && bit->why)
			put(arg, bit->name, bit->why);
	}
}

/* Bytes in an interval, as policy has them */
static int print_rate(char *text, size_t size, uint32_t mbps)
{
	return snprintf(text, size, "%" PRIu64 ",%u", (uint64_t)mbps * RATE_US / 8, RATE_US);
}

static void put_rate_rule(const struct privflags *command, privflags_put *put, void *arg)
{
	char text[48] = "";

	if (command->operand)
		print_rate(text, sizeof(text), command->operand);
	put(arg, "rate", text);
}

/* Of the queues in the mask, and none of the others */
static void put_queue_rule(const struct privflags *command, privflags_put *put, void *arg)
{
	char text[64 * 32] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < 64 && command->operand; i++) {
		if (!(command->mask & UINT64_C(1) << i))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRIu32 ":",
					 used ? " " : "", i);
		used += (size_t)print_rate(text + used, sizeof(text) - used, command->operand);
	}
	put(arg, "queue-rate", text);
}

static void put_vlan_rule(const struct privflags *command, privflags_put *put, void *arg)
{
	uint32_t vlan = command->operand & 0xfff;
	char text[16] = "";

	if (command->op == PRIVFLAGS_VLAN_FILTER) {
		snprintf(text, sizeof(text), "%" PRIu32, vlan);
		if (command->operand & PRIVFLAGS_SET)
			put(arg, "vlan-filter", text);
		return;
	}
	if (vlan)
		snprintf(text, sizeof(text), "%" PRIu32 "/%" PRIu32, vlan, command->operand >> 13);
	put(arg, "vlan-insert", text);
}

void privflags_rules(const struct privflags *command, privflags_put *put, void *arg)
{
	if (command->step)
		return;
	switch (command->op) {
	case PRIVFLAGS_FEATURE:
	case PRIVFLAGS_RX_MODE:
		put_bit_rules(command, put, arg);
		break;
	case PRIVFLAGS_VLAN_FILTER:
	case PRIVFLAGS_VLAN_INSERT:
		put_vlan_rule(command, put, arg);
		break;
	case PRIVFLAGS_RATE:
		put_rate_rule(command, put, arg);
		break;
	case PRIVFLAGS_QUEUE_RATE:
		put_queue_rule(command, put, arg);
		break;
	default:
		break;
	}
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
