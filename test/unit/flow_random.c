/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_random.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t own_key[STEER_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

uint32_t random_below(uint32_t limit)
{
	/* rand() is the same in each run as long as nobody seeds it */
	return (uint32_t)rand() % limit;
}

static void put(struct random_frame *frame, uint32_t value, uint32_t bytes)
{
	while (bytes-- > 0)
		frame->bytes[frame->len++] = (uint8_t)(value >> bytes * 8);
}

static uint32_t one_of(const uint16_t *values, uint32_t nr)
{
	return values[random_below(nr)];
}

#define ONE_OF(...)                                                                                \
	one_of((const uint16_t[]){ __VA_ARGS__ },                                                  \
	       sizeof((const uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

static void put_frame(struct random_frame *frame, bool inside);

static void put_l4(struct random_frame *frame, uint32_t protocol, bool inside)
{
	uint32_t port = protocol == 17 ? ONE_OF(1, 4789, 4789) : ONE_OF(1, 2, 4789);

	put(frame, random_below(4) ? ONE_OF(1, 2, 3) : random_below(65536), 2);
	put(frame, port, 2);
	if (protocol == 6) {
		put(frame, random_below(3), 4);
		put(frame, 0, 4);
		put(frame, 0x5000 | ONE_OF(0x02, 0x10, 0x12), 2);
		put(frame, 0, 6);
		return;
	}
	put(frame, random_below(3), 4);
	if (protocol != 17 || port != 4789)
		return;
	put(frame, 0x08000000, 4);
	put(frame, random_below(3) << 8, 4);
	if (!inside || random_below(2))
		put_frame(frame, true);
}

static void put_ipv4(struct random_frame *frame, bool inside)
{
	uint32_t words = random_below(8) ? 5 : random_below(4) + 4;
	uint32_t protocol = ONE_OF(6, 6, 6, 17, 17, 17, 1, 58, 47);

	put(frame, (random_below(16) ? 0x40 : 0x50) | words, 1);
	put(frame, ONE_OF(0, 0, 0x10), 1);
	put(frame, 100, 2);
	put(frame, random_below(3), 2);
	put(frame, random_below(8) ? 0x4000 * random_below(2) : ONE_OF(0x2000, 0x2001, 7), 2);
	put(frame, 64, 1);
	put(frame, protocol, 1);
	put(frame, 0, 2);
	put(frame, 0x0a000001 + random_below(4), 4);
	put(frame, 0x0a000001 + random_below(4), 4);
	for (; words > 5; words--)
		put(frame, 0x01010101, 4);
	put_l4(frame, protocol, inside);
}

static void put_ipv6(struct random_frame *frame, bool inside)
{
	uint32_t protocol = ONE_OF(6, 6, 17, 17, 58, 1, 59);

	put(frame, 0x60000000 | random_below(2), 4);
	put(frame, 60, 2);
	put(frame, protocol, 1);
	put(frame, 64, 1);
	for (uint32_t i = 0; i < 2; i++) {
		put(frame, 0xfd000000, 4);
		put(frame, 0, 4);
		put(frame, 0, 4);
		put(frame, 1 + random_below(4), 4);
	}
	put_l4(frame, protocol, inside);
}

/* A frame of one of these has no hash: nothing behind the extension, or the tags, is an address. */
static void put_odd(struct random_frame *frame)
{
	put(frame, 0x0101, 2);
	put(frame, random_below(3), 4);
}

static void put_frame(struct random_frame *frame, bool inside)
{
	uint32_t tags = random_below(4) ? 0 : 1 + random_below(3);
	/* within VXLAN nobody makes a hash of them */
	bool plain = tags < 2 || inside;

	put(frame, 0x0200, 2);
	put(frame, random_below(2), 4);
	put(frame, 0x0200, 2);
	put(frame, 2 + random_below(2), 4);
	for (uint32_t i = 0; i < tags; i++) {
		put(frame, plain && !inside ? 0x8100 : ONE_OF(0x8100, 0x88a8), 2);
		put(frame, random_below(3) << 13 | random_below(4), 2);
	}
	switch (plain ? random_below(8) : 0) {
	case 0:
		put_odd(frame);
		break;
	case 1:
	case 2:
		put(frame, 0x86dd, 2);
		put_ipv6(frame, inside);
		break;
	default:
		put(frame, 0x0800, 2);
		put_ipv4(frame, inside);
		break;
	}
}

void random_frame(struct random_frame *frame)
{
	frame->len = 0;
	put_frame(frame, false);
	if (random_below(8) == 0)
		frame->len = 14 + random_below(frame->len - 13);
	else
		put(frame, random_below(100), 4);
}

static void random_item(struct vifflow_item *item, uint32_t type, const uint8_t *header)
{
	uint32_t bytes = reference_bytes(type);

	item->type = (uint16_t)type;
	for (uint32_t i = 0; i < VIFFLOW_HEADER_MAX; i++)
		item->spec[i] = (uint8_t)rand();
	memcpy(item->spec, header, bytes);
	for (uint32_t i = random_below(2) ? 0 : 1 + random_below(3); i > 0; i--)
		item->mask[random_below(bytes)] = (uint8_t)ONE_OF(255, 255, 15, 1, 2, 0x80);
	for (uint32_t i = 0; i < bytes; i++)
		item->spec[i] ^= (uint8_t)(rand() & ~item->mask[i]);
	if (random_below(8) == 0)
		item->spec[random_below(bytes)] ^= (uint8_t)(1u << random_below(8));
}

/* What decides, and what else is done. */
static void random_actions(struct vifflow_rule *rule, uint32_t nr_queues)
{
	struct vifflow_action *fate = &rule->actions[0];

	memset(rule->actions, 0, sizeof(rule->actions));
	fate->type = (uint16_t)ONE_OF(VIFFLOW_ACTION_QUEUE, VIFFLOW_ACTION_QUEUE,
				      VIFFLOW_ACTION_RSS, VIFFLOW_ACTION_RSS, VIFFLOW_ACTION_DROP,
				      VIFFLOW_ACTION_PASSTHRU, VIFFLOW_ACTION_PASSTHRU);
	if (fate->type == VIFFLOW_ACTION_QUEUE)
		fate->value = random_below(nr_queues);
	if (fate->type == VIFFLOW_ACTION_RSS) {
		fate->value = random_below(1u << NETIF_HASH_TYPES);
		fate->nr_queues = (uint16_t)(1 + random_below(8));
		for (uint32_t i = 0; i < fate->nr_queues; i++)
			fate->queues[i] = (uint8_t)random_below(nr_queues);
	}
	rule->nr_actions = 1;
	if (random_below(2))
		rule->actions[rule->nr_actions++] =
			(struct vifflow_action){ .type = VIFFLOW_ACTION_MARK,
						 .value = random_below(VIFFLOW_MARK_MAX + 1) };
	if (random_below(2))
		rule->actions[rule->nr_actions++].type = VIFFLOW_ACTION_COUNT;
}

/* What a NIC may have: it drops, and compares addresses at most. */
static void random_drop(struct vifflow_rule *rule)
{
	struct vifflow_item *eth = &rule->items[0];

	memset(&rule->items[1], 0, sizeof(rule->items) - sizeof(rule->items[0]));
	rule->nr_items = 1;
	eth->mask[12] = eth->mask[13] = 0;
	memset(rule->actions, 0, sizeof(rule->actions));
	rule->nr_actions = 1;
	rule->actions[0].type = VIFFLOW_ACTION_DROP;
}

void random_rule(struct vifflow_rule *rule, uint32_t id, const struct random_frame *frame,
		 uint32_t nr_queues)
{
	struct reference_headers found = reference_parse(frame->bytes, frame->len);
	struct vifflow_action last;

	memset(rule, 0, sizeof(*rule));
	rule->id = id;
	rule->priority = random_below(3);
	rule->nr_items = (uint16_t)(1 + random_below(found.nr));
	for (uint32_t i = 0; i < rule->nr_items; i++)
		random_item(&rule->items[i], found.type[i], frame->bytes + found.at[i]);
	random_actions(rule, nr_queues);
	if (random_below(6) == 0)
		random_drop(rule);
	/* in any order */
	last = rule->actions[rule->nr_actions - 1];
	rule->actions[rule->nr_actions - 1] = rule->actions[0];
	rule->actions[0] = last;
}

void random_alike(struct vifflow_rule *rule, uint32_t id, const struct vifflow_rule *before,
		  const struct random_frame *frame, uint32_t nr_queues)
{
	struct reference_headers found = reference_parse(frame->bytes, frame->len);

	*rule = *before;
	rule->id = id;
	for (uint32_t i = 0; i < rule->nr_items && i < found.nr; i++) {
		if (found.type[i] != rule->items[i].type)
			break;
		memcpy(rule->items[i].spec, frame->bytes + found.at[i],
		       reference_bytes(found.type[i]));
	}
	random_actions(rule, nr_queues);
}

bool random_queue_for_port(struct vifflow_rule *rule, uint32_t id, bool destination,
			   const struct random_frame *frame, uint32_t nr_queues)
{
	struct reference_headers found = reference_parse(frame->bytes, frame->len);
	uint32_t at = destination ? 2 : 0;

	if (found.nr < 3 || found.type[1] != VIFFLOW_ITEM_IPV4 ||
	    (found.type[2] != VIFFLOW_ITEM_TCP && found.type[2] != VIFFLOW_ITEM_UDP))
		return false;
	memset(rule, 0, sizeof(*rule));
	rule->id = id;
	rule->nr_items = 3;
	for (uint32_t i = 0; i < rule->nr_items; i++)
		rule->items[i].type = (uint16_t)found.type[i];
	memcpy(&rule->items[2].spec[at], frame->bytes + found.at[2] + at, 2);
	memset(&rule->items[2].mask[at], 0xff, 2);
	rule->nr_actions = 1;
	rule->actions[0] = (struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE,
						    .value = random_below(nr_queues) };
	return true;
}

void random_hashing(struct reference *reference, struct steer *steer)
{
	memset(steer, 0, sizeof(*steer));
	reference->hashes = random_below(2);
	reference->types = (1u << NETIF_HASH_TYPES) - 1;
	memcpy(reference->key, own_key, sizeof(own_key));
	if (!reference->hashes)
		return;
	reference->types = (uint8_t)random_below(1u << NETIF_HASH_TYPES);
	for (uint32_t i = 0; i < sizeof(reference->key); i++)
		reference->key[i] = (uint8_t)rand();
	reference->nr_mapping = random_below(2) * random_below(REFERENCE_MAPPING + 1);
	for (uint32_t i = 0; i < reference->nr_mapping; i++)
		reference->mapping[i] = (uint8_t)random_below(reference->nr_queues);
	steer->algorithm = NETIF_HASH_ALG_TOEPLITZ;
	steer->flags = reference->types;
	memcpy(steer->key, reference->key, sizeof(steer->key));
	steer->nr_mapping = (uint16_t)reference->nr_mapping;
	memcpy(steer->mapping, reference->mapping, sizeof(reference->mapping));
}
