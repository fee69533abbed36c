/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_nic.h"

#include <string.h>

#include "path.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct rte_ether_hdr))
#define ADDRESSES_BYTES (2u * RTE_ETHER_ADDR_LEN)

/* What a rule compares of the outermost header, which is Ethernet's. */
struct compared {
	uint8_t value[HEADER_BYTES], mask[HEADER_BYTES];
};

const char *flow_nic_bars(const struct path_live *live)
{
	if (!live->link)
		return "its link is off";
	if (live->policy.rx)
		return "its policy drops received frames";
	return live->rx_rate.bytes ? "it has an rx-rate" : NULL;
}

static struct compared compared_by(const struct flows *flows, const struct flow_rule *rule)
{
	struct compared compared = { 0 };

	for (uint32_t i = 0; i < rule->nr_words; i++) {
		const struct flow_word *word = &flows->words[rule->first_word + i];
		uint8_t value[sizeof(word->value)], mask[sizeof(word->mask)];

		if (word->layer != 0 || word->offset + sizeof(mask) > HEADER_BYTES)
			continue;
		memcpy(value, &word->value, sizeof(value));
		memcpy(mask, &word->mask, sizeof(mask));
		/* words can overlap */
		for (uint32_t k = 0; k < sizeof(mask); k++) {
			compared.value[word->offset + k] |= value[k];
			compared.mask[word->offset + k] |= mask[k];
		}
	}
	return compared;
}

/* Is there a frame that agrees with both in the addresses? */
static bool meet(const struct compared *a, const struct compared *b)
{
	for (uint32_t i = 0; i < ADDRESSES_BYTES; i++)
		if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
			return false;
	return true;
}

/* Does it make no difference whether @rule sees a frame that is dropped in any case? */
static bool does_not_mind(const struct flow_rule *rule)
{
	return !rule->counts &&
	       (rule->fate == VIFFLOW_ACTION_PASSTHRU || rule->fate == VIFFLOW_ACTION_DROP);
}

/* A rule that looks at nothing behind the addresses */
static bool is_of_addresses(const struct flow_rule *rule, const struct compared *compared)
{
	for (uint32_t i = ADDRESSES_BYTES; i < HEADER_BYTES; i++)
		if (compared->mask[i])
			return false;
	return rule->nr_layers == 1;
}

bool flow_nic_drop(const struct flows *flows, uint32_t index, const struct rte_ether_addr *mac,
		   struct port_drop *drop)
{
	const struct flow_rule *rule = &flows->rules[index];
	struct compared own = compared_by(flows, rule), to_us = own, earlier;

	if (rule->fate != VIFFLOW_ACTION_DROP || rule->counts || !is_of_addresses(rule, &own))
		return false;
	memcpy(to_us.value, mac, sizeof(*mac));
	memset(to_us.mask, UINT8_MAX, sizeof(*mac));
	if (!meet(&own, &to_us))
		return false;
	for (uint32_t i = 0; i < index; i++) {
		earlier = compared_by(flows, &flows->rules[i]);
		if (!does_not_mind(&flows->rules[i]) && meet(&earlier, &to_us))
			return false;
	}
	memcpy(&drop->src, to_us.value + sizeof(*mac), sizeof(drop->src));
	memcpy(&drop->mask, to_us.mask + sizeof(*mac), sizeof(drop->mask));
	return true;
}
