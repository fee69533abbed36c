/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN tags of a frame, as far as its first @len bytes are at hand. Offsets count from the frame's
 * first byte: the outermost tag is at VLAN_OUTERMOST. Nothing beyond @len is read.
 */
#ifndef VIFD_BASE_VLAN_H
#define VIFD_BASE_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#define VLAN_OUTERMOST (2u * RTE_ETHER_ADDR_LEN)
#define VLAN_TAG_BYTES 4u
#define VLAN_ID_MASK 0x0fff
/* Nobody looks behind more tags than this. */
#define VLAN_TAGS_MAX 4u
/* Numbers of VLANs, and of words in a set of them with a bit for each. */
#define VLANS 4096u
#define VLAN_WORDS (VLANS / 64)
/* What 802.1ad's 0x88a8 was before there was a standard. */
#define VLAN_TYPE_OLD_QINQ 0x9100u

/** vlans_any() - Is there any VLAN in the set? */
static inline bool vlans_any(const uint64_t vlans[VLAN_WORDS])
{
	for (uint32_t i = 0; i < VLAN_WORDS; i++)
		if (vlans[i])
			return true;
	return false;
}

/** vlan_type_at() - The EtherType at @offset, in host order; 0 beyond the end */
static inline uint16_t vlan_type_at(const uint8_t *frame, uint32_t len, uint32_t offset)
{
	return offset + 2 > len ? 0 : (uint16_t)(frame[offset] << 8 | frame[offset + 1]);
}

/** vlan_is_tag() - Is this EtherType, in host order, a tag's? */
static inline bool vlan_is_tag(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ ||
	       type == VLAN_TYPE_OLD_QINQ;
}

/** vlan_tci_at() - Priority and VLAN of the tag at @offset; 0: no tag, -1: it is cut short */
static inline int vlan_tci_at(const uint8_t *frame, uint32_t len, uint32_t offset)
{
	if (!vlan_is_tag(vlan_type_at(frame, len, offset)))
		return 0;
	return offset + VLAN_TAG_BYTES + 2 > len ? -1 : vlan_type_at(frame, len, offset + 2);
}

/**
 * vlan_skip() - The offset of the first EtherType from @offset on that is not a tag's
 *
 * It may lie beyond @len. Behind VLAN_TAGS_MAX tags it is the next one's, if it is a tag's or not.
 */
static inline uint32_t vlan_skip(const uint8_t *frame, uint32_t len, uint32_t offset)
{
	for (uint32_t i = 0; i < VLAN_TAGS_MAX; i++, offset += VLAN_TAG_BYTES)
		if (!vlan_is_tag(vlan_type_at(frame, len, offset)))
			break;
	return offset;
}

#endif
