/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What doc/policy.md says of one frame, written down once more: slow, byte by byte, and without a
 * line of the product. policy_judge_test.c compares the two.
 *
 * A byte that is not there is -1, and so is every number that it is part of.
 */
#ifndef VIFD_TEST_POLICY_JUDGE_H
#define VIFD_TEST_POLICY_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define OWN_MAC "\x02\x00\x00\x00\x00\x01"
#define OWN_IP4 "\x0a\x00\x00\x05"
#define OWN_IP6 "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define OWN_LINK_LOCAL "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x00\x01"

/* The bytes of a frame that are in its first buffer. */
struct seen {
	const uint8_t *bytes;
	int n;
};

static int byte_at(struct seen s, int i)
{
	return i < s.n ? s.bytes[i] : -1;
}

static int two_at(struct seen s, int i)
{
	return i + 1 < s.n ? s.bytes[i] * 256 + s.bytes[i + 1] : -1;
}

static bool same_at(struct seen s, int i, const char *what, int n)
{
	return i + n <= s.n && !memcmp(s.bytes + i, what, (size_t)n);
}

static bool zero_at(struct seen s, int i, int n)
{
	return same_at(s, i, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", n);
}

static bool tag_at(struct seen s, int i)
{
	return two_at(s, i) == 0x8100 || two_at(s, i) == 0x88a8 || two_at(s, i) == 0x9100;
}

static bool own_ip6_at(struct seen s, int i)
{
	return same_at(s, i, OWN_IP6, 16) || same_at(s, i, OWN_LINK_LOCAL, 16);
}

/* --- the rule ip ------------------------------------------------------------------------------ */

static bool ipv4_is_right(struct seen s, int ip)
{
	int header = (byte_at(s, ip) & 15) * 4;
	bool fragment = (two_at(s, ip + 6) & 0x1fff) != 0;

	if (byte_at(s, ip + 19) < 0 || byte_at(s, ip) / 16 != 4)
		return false;
	if (zero_at(s, ip + 12, 4))
		return byte_at(s, ip + 9) == 17 && !fragment && two_at(s, ip + header) == 68 &&
		       two_at(s, ip + header + 2) == 67;
	return same_at(s, ip + 12, OWN_IP4, 4);
}

static bool arp_is_right(struct seen s, int arp)
{
	if (byte_at(s, arp + 27) < 0 || !same_at(s, arp, "\x00\x01\x08\x00\x06\x04", 6))
		return false;
	if (!same_at(s, arp + 8, OWN_MAC, 6))
		return false;
	if (zero_at(s, arp + 14, 4) && two_at(s, arp + 6) == 1)
		return same_at(s, arp + 24, OWN_IP4, 4);
	return same_at(s, arp + 14, OWN_IP4, 4);
}

/* Of options from @i to @end: each names only the guest's own link-layer address. */
static bool options_are_right(struct seen s, int i, int end)
{
	while (i < end) {
		int type = byte_at(s, i), n = byte_at(s, i + 1) * 8;

		if (end - i < 8 || n <= 0 || i + n > end)
			return false;
		if ((type == 1 || type == 2) && !same_at(s, i + 2, OWN_MAC, 6))
			return false;
		i += n;
	}
	return true;
}

static bool icmp6_is_right(struct seen s, int i, int end, bool fragment, bool nobody)
{
	int type = i < end ? byte_at(s, i) : -1;

	if (type < 0)
		return false;
	if (type < 133 || type > 137)
		return true;
	if (type == 134 || type == 137 || fragment || end > s.n)
		return false;
	if (type == 133)
		return i + 8 <= end && options_are_right(s, i + 8, end);
	if (i + 24 > end)
		return false;
	if ((type == 136 || nobody) && !own_ip6_at(s, i + 8))
		return false;
	return options_are_right(s, i + 24, end);
}

static bool ipv6_is_right(struct seen s, int ip)
{
	int i = ip + 40, next = byte_at(s, ip + 6), end = ip + 40 + two_at(s, ip + 4), headers = 0;
	bool nobody = zero_at(s, ip + 8, 16), fragment = false, later = false;

	if (byte_at(s, ip + 39) < 0 || byte_at(s, ip) / 16 != 6)
		return false;
	/* hop by hop, routing, fragment, authentication, destination */
	while (!later && (next == 0 || next == 43 || next == 44 || next == 51 || next == 60)) {
		int n = (byte_at(s, i + 1) + 1) * 8;

		if (++headers > 8 || byte_at(s, i + 7) < 0)
			return false;
		if (next == 51)
			n = (byte_at(s, i + 1) + 2) * 4;
		if (next == 44) {
			n = 8;
			fragment = true;
			later = two_at(s, i + 2) / 8 > 0;
		}
		next = byte_at(s, i);
		i += n;
	}
	if (later)
		return own_ip6_at(s, ip + 8);
	if (headers == 8)
		return false;
	if (nobody ? next != 58 : !own_ip6_at(s, ip + 8))
		return false;
	return next != 58 || icmp6_is_right(s, i, end, fragment, nobody);
}

static bool content_is_right(struct seen s, int type, int i)
{
	if (type == 0x0800)
		return ipv4_is_right(s, i);
	if (type == 0x86dd)
		return ipv6_is_right(s, i);
	if (type == 0x0806 || type == 0x8035)
		return arp_is_right(s, i);
	return true;
}

/* Is the frame one that a guest with these addresses may send? */
static bool addresses_are_right(struct seen s)
{
	int i = 12, tags = 0, type, to, from;

	while (tag_at(s, i)) {
		i += 4;
		if (++tags > 4)
			return false;
	}
	type = two_at(s, i);
	if (type < 0)
		return false;
	if (type >= 0x600)
		return content_is_right(s, type, i + 2);
	/* a length: 802.2's header follows */
	i += 2;
	to = byte_at(s, i);
	from = byte_at(s, i + 1);
	if (byte_at(s, i + 2) < 0)
		return false;
	/* the lowest bit tells groups from addresses, and answers from questions */
	to = to / 2 * 2;
	from = from / 2 * 2;
	if (to != 0xaa && from != 0xaa)
		return to != 0x06 && to != 0x98 && from != 0x06 && from != 0x98;
	if (!same_at(s, i, "\xaa\xaa\x03\x00\x00\x00", 6) &&
	    !same_at(s, i, "\xaa\xaa\x03\x00\x00\xf8", 6))
		return false;
	type = two_at(s, i + 6);
	return type >= 0x600 && !tag_at(s, i + 6) && content_is_right(s, type, i + 8);
}

/* --- VLANs ------------------------------------------------------------------------------------ */

/* What receivers may take a frame for. */
struct readings {
	bool broken, untagged, vlan[4096];
};

static void read_tags(struct seen s, int i, int depth, struct readings *all)
{
	int vid = two_at(s, i + 2) % 4096;

	if (two_at(s, i) < 0 || (tag_at(s, i) && (two_at(s, i + 4) < 0 || depth == 4))) {
		all->broken = true;
		return;
	}
	if (!tag_at(s, i)) {
		all->untagged = true;
		return;
	}
	/* a bridge of customer VLANs does not know the other types */
	if (two_at(s, i) != 0x8100)
		all->untagged = true;
	if (vid) {
		all->vlan[vid] = true;
		return;
	}
	/* left alone, or taken off */
	all->untagged = true;
	read_tags(s, i + 4, depth + 1, all);
}

/* Does the frame belong to what the rules allow, whoever reads it? */
static bool vlans_are_right(struct seen s, int i, bool untagged, const int *vlans)
{
	static struct readings all;
	bool right;

	read_tags(s, i, 0, &all);
	for (; *vlans; vlans++)
		all.vlan[*vlans] = false;
	right = !all.broken && (untagged || !all.untagged) &&
		!memchr(all.vlan, 1, sizeof(all.vlan));
	memset(&all, 0, sizeof(all));
	return right;
}

#endif
