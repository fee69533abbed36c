/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/counters.c policy/policy.c policy/words.c test/unit/fake_guest.c */
/*
 * Every way to hide a packet from the rules, against a judge that shares nothing with them
 * (policy_judge.h): all stacks of up to four tags of each type, without a VLAN, with one that is
 * allowed and with one that is not, around Ethernet II, LLC and SNAP, around IPv4, IPv6, ARP and
 * neighbour discovery of the guest's own and of others; whole, cut at every length, and with the
 * rest in a second buffer. The two never differ, in whether a frame passes and in what it becomes.
 */
#include "backend/policy/policy.h"
#include "path_fixture.h"
#include "policy_judge.h"

#define FRAME_MAX 192u
#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define OTHER_MAC "\x02\x00\x00\x00\x00\x03"
#define OTHER_IP4 "\x0a\x00\x00\x06"
#define OTHER_IP6 "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
#define NO_IP6 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* @vlans: those that pass; @insert, @outer: the tag's two bytes */
struct rule_set {
	const char *rules[4];
	bool rx, ip, vlan, untagged;
	int vlans[3], insert, outer;
};

static const struct rule_set sets[] = {
	{ { "ip=10.0.0.5 fd00::1" }, .ip = true },
	{ { "vlan-filter=10" }, .vlan = true, .vlans = { 10 } },
	{ { "vlan-filter=10", "allow-untagged=1" },
	  .vlan = true,
	  .vlans = { 10 },
	  .untagged = true },
	{ { "ip=10.0.0.5 fd00::1", "vlan-filter=10,20", "allow-untagged=1" },
	  .ip = true,
	  .vlan = true,
	  .vlans = { 10, 20 },
	  .untagged = true },
	{ { "vlan-insert=10/5" }, .vlan = true, .vlans = { 10 }, .insert = 0xa00a },
	{ { "vlan-insert=30", "vlan-filter=10", "ip=10.0.0.5 fd00::1" },
	  .ip = true,
	  .vlan = true,
	  .vlans = { 10, 30 },
	  .insert = 30 },
	{ { "vlan-outer=10", "vlan-filter=20" }, .vlan = true, .vlans = { 20 }, .outer = 10 },
	{ { "vlan-outer=10/7", "vlan-insert=20/1" },
	  .vlan = true,
	  .vlans = { 20 },
	  .insert = 0x2014,
	  .outer = 0xe00a },
	{ { "vlan-filter=10" }, .rx = true, .vlan = true, .vlans = { 10 } },
	{ { "vlan-filter=20", "allow-untagged=1" },
	  .rx = true,
	  .vlan = true,
	  .vlans = { 20 },
	  .untagged = true },
	{ { "vlan-insert=10/5" }, .rx = true, .vlan = true, .vlans = { 10 }, .insert = 0xa00a },
	{ { "vlan-outer=10", "vlan-insert=20" },
	  .rx = true,
	  .vlan = true,
	  .vlans = { 20 },
	  .insert = 20,
	  .outer = 10 },
	{ { "vlan-outer=10" }, .rx = true, .outer = 10 },
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t len;
};

static struct policy policies[NR(sets)];
static struct rte_mbuf *first, *second;
static uint64_t judged, passed, wrong;

static void put(struct frame *frame, const char *bytes, uint32_t len)
{
	assert_true(frame->len + len <= FRAME_MAX);
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

#define PUT(frame, text) put(frame, text, sizeof(text) - 1)

/* --- what is in a frame ----------------------------------------------------------------------- */

static void put_ipv4(struct frame *frame, const char *source, uint32_t ports)
{
	PUT(frame, "\x45\x00\x00\x1c\x00\x00\x00\x00\x40\x11\x00\x00");
	put(frame, source, 4);
	PUT(frame, "\x0a\x00\x00\x01");
	put(frame,
	    ports == 68 ? "\x00\x44\x00\x43\x00\x08\x00\x00" : "\x00\x43\x00\x44\x00\x08\x00\x00",
	    8);
}

static void put_arp(struct frame *frame, const char *sender, const char *source, const char *target)
{
	PUT(frame, "\x00\x01\x08\x00\x06\x04\x00\x01");
	put(frame, sender, 6);
	put(frame, source, 4);
	PUT(frame, "\0\0\0\0\0\0");
	put(frame, target, 4);
}

static void put_ipv6(struct frame *frame, uint8_t next, uint8_t len, const char *source)
{
	const char head[] = { 0x60, 0, 0, 0, 0, (char)len, (char)next, (char)0xff };

	put(frame, head, 8);
	put(frame, source, 16);
	PUT(frame, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");
}

static void put_nd(struct frame *frame, uint8_t type, const char *target, uint8_t option,
		   const char *mac)
{
	const char head[] = { (char)type, 0, 0, 0, 0, 0, 0, 0 };
	const char tail[] = { (char)option, 1 };

	put(frame, head, 8);
	put(frame, target, 16);
	put(frame, tail, 2);
	put(frame, mac, 6);
}

/* Return: the EtherType of content @which, whose bytes are appended; 0 = there are no more */
static int put_content(struct frame *frame, uint32_t which)
{
	switch (which) {
	case 0:
		put_ipv4(frame, OWN_IP4, 67);
		return 0x0800;
	case 1:
		put_ipv4(frame, OTHER_IP4, 67);
		return 0x0800;
	case 2:
		put_ipv4(frame, "\0\0\0\0", 68);
		return 0x0800;
	case 3:
		put_ipv4(frame, "\0\0\0\0", 67);
		return 0x0800;
	case 4:
		put_arp(frame, OWN_MAC, OWN_IP4, OTHER_IP4);
		return 0x0806;
	case 5:
		put_arp(frame, OWN_MAC, OTHER_IP4, OWN_IP4);
		return 0x0806;
	case 6:
		put_arp(frame, OTHER_MAC, OWN_IP4, OTHER_IP4);
		return 0x0806;
	case 7:
		put_arp(frame, OWN_MAC, "\0\0\0\0", OWN_IP4);
		return 0x8035;
	case 8:
		put_ipv6(frame, 59, 0, OWN_IP6);
		return 0x86dd;
	case 9:
		put_ipv6(frame, 59, 0, OTHER_IP6);
		return 0x86dd;
	case 10:
		put_ipv6(frame, 17, 0, OWN_LINK_LOCAL);
		return 0x86dd;
	case 11:
		put_ipv6(frame, 17, 0, NO_IP6);
		return 0x86dd;
	case 12:
		put_ipv6(frame, 58, 32, OWN_IP6);
		put_nd(frame, 136, OWN_IP6, 2, OWN_MAC);
		return 0x86dd;
	case 13:
		put_ipv6(frame, 58, 32, OWN_IP6);
		put_nd(frame, 136, OTHER_IP6, 2, OWN_MAC);
		return 0x86dd;
	case 14:
		put_ipv6(frame, 58, 32, OWN_IP6);
		put_nd(frame, 135, OTHER_IP6, 1, OTHER_MAC);
		return 0x86dd;
	case 15:
		put_ipv6(frame, 58, 32, NO_IP6);
		put_nd(frame, 135, OWN_IP6, 14, OTHER_MAC);
		return 0x86dd;
	case 16: /* a router's, behind an extension and an authentication header */
		put_ipv6(frame, 60, 8 + 16 + 16, OWN_IP6);
		PUT(frame, "\x33\x00\x01\x04\0\0\0\0");
		PUT(frame, "\x3a\x02\0\0\0\0\0\x01\0\0\0\x01\0\0\0\0");
		PUT(frame, "\x86\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0");
		return 0x86dd;
	case 17: /* an echo request in a first fragment, and what follows it */
		put_ipv6(frame, 44, 16, OWN_IP6);
		PUT(frame, "\x3a\x00\x00\x01\0\0\0\x01\x80\0\0\0\0\0\0\x01");
		return 0x86dd;
	case 18:
		put_ipv6(frame, 44, 16, OWN_IP6);
		PUT(frame, "\x3a\x00\x00\x08\0\0\0\x01\x86\0\0\0\0\0\0\x01");
		return 0x86dd;
	case 19:
		PUT(frame, "\xaa\xbb\xcc\xdd\xee\xff");
		return 0x88b5;
	default:
		return 0;
	}
}

/* Where a frame is to be sent, and 802.2's header in front of the EtherType of a content. */
static const char *const encapsulations[] = {
	NULL,			    /* Ethernet II */
	"\xaa\xaa\x03\x00\x00\x00", /* RFC 1042 */
	"\xaa\xaa\x03\x00\x00\xf8", /* 802.1H */
	"\xaa\xaa\x03\x00\x00\x0c", /* somebody's own */
	"\xab\xaa\x03\x00\x00\x00",
	"\xaa\xaa\xe3\x00\x00\x00",
	"\x06\x06\x03\x00\x00\x00",
	"\x42\x42\x03\x00\x00\x00",
};

static void put16(struct frame *frame, uint32_t value)
{
	const char bytes[] = { (char)(value >> 8), (char)value };

	put(frame, bytes, 2);
}

/* --- one frame, by both ----------------------------------------------------------------------- */

static void insert_at(struct frame *frame, uint32_t at, uint32_t type, uint32_t tci)
{
	struct frame tag = { .len = 0 };

	put16(&tag, type);
	put16(&tag, tci);
	memmove(frame->bytes + at + 4, frame->bytes + at, frame->len - at);
	memcpy(frame->bytes + at, tag.bytes, 4);
	frame->len += 4;
}

static void remove_at(struct frame *frame, uint32_t at)
{
	memmove(frame->bytes + at, frame->bytes + at + 4, frame->len - at - 4);
	frame->len -= 4;
}

/* Return: does it pass? @frame then is what leaves */
static bool judge_tx(const struct rule_set *set, struct seen s, struct frame *frame)
{
	bool priority = tag_at(s, 12) && two_at(s, 16) >= 0 && two_at(s, 14) % 4096 == 0;
	bool insert = set->insert && (priority || !tag_at(s, 12));

	if (set->ip && !addresses_are_right(s))
		return false;
	if (set->vlan && !insert && !vlans_are_right(s, 12, set->untagged, set->vlans))
		return false;
	if (insert && priority)
		remove_at(frame, 12);
	if (insert) {
		insert_at(frame, 12, 0x8100, (uint32_t)set->insert);
	} else if (set->insert && two_at(s, 12) == 0x8100 &&
		   two_at(s, 14) % 4096 == set->insert % 4096) {
		frame->bytes[14] = (uint8_t)(set->insert >> 8);
		frame->bytes[15] = (uint8_t)set->insert;
	}
	if (set->outer)
		insert_at(frame, 12, 0x88a8, (uint32_t)set->outer);
	return true;
}

static bool judge_rx(const struct rule_set *set, struct seen s, struct frame *frame)
{
	int at = set->outer ? 16 : 12;

	if (set->outer && (two_at(s, 12) != 0x88a8 || two_at(s, 16) < 0 ||
			   two_at(s, 14) % 4096 != set->outer % 4096))
		return false;
	if (set->vlan && !vlans_are_right(s, at, set->untagged, set->vlans))
		return false;
	if (set->insert && two_at(s, at) == 0x8100 &&
	    two_at(s, at + 2) % 4096 == set->insert % 4096)
		remove_at(frame, (uint32_t)at);
	if (set->outer)
		remove_at(frame, 12);
	return true;
}

/* The same by the product; its frame is in two buffers, the first of @cut bytes. */
static bool product(const struct rule_set *set, const struct policy *policy, uint32_t total)
{
	enum path_counter cause = set->rx ? verdict_rx(policy, first) : verdict_tx(policy, first);

	if (cause != (enum path_counter)VERDICT_PASS)
		return false;
	if (set->rx)
		verdict_cut_tags(first, verdict_rx_tags(policy, first));
	assert_true(first->pkt_len <= total + 8);
	return true;
}

static void load(const struct frame *frame, uint32_t cut)
{
	rte_pktmbuf_reset(first);
	rte_pktmbuf_reset(second);
	first->data_len = (uint16_t)cut;
	first->pkt_len = frame->len;
	second->data_len = (uint16_t)(frame->len - cut);
	memcpy(rte_pktmbuf_mtod(first, void *), frame->bytes, cut);
	memcpy(rte_pktmbuf_mtod(second, void *), frame->bytes + cut, second->data_len);
	first->next = second->data_len ? second : NULL;
	first->nb_segs = second->data_len ? 2 : 1;
}

static bool is_same(const struct frame *becomes)
{
	uint32_t n = first->data_len, rest = first->next ? second->data_len : 0;

	return n + rest == becomes->len && first->pkt_len == becomes->len &&
	       !memcmp(rte_pktmbuf_mtod(first, void *), becomes->bytes, n) &&
	       !memcmp(rte_pktmbuf_mtod(second, void *), becomes->bytes + n, rest);
}

static void report(uint32_t which, const struct frame *frame, uint32_t cut, bool right)
{
	if (++wrong > 8)
		return;
	printf("rules %u (%s %s, %s), %u of %u bytes in the first buffer, %s:\n", which,
	       sets[which].rules[0], sets[which].rules[1] ? sets[which].rules[1] : "",
	       sets[which].rx ? "rx" : "tx", cut, frame->len,
	       right ? "is to pass as it is changed here" : "is not to pass");
	for (uint32_t i = 0; i < frame->len; i++)
		printf("%02x", frame->bytes[i]);
	printf("\n");
}

static void compare(uint32_t which, const struct frame *frame, uint32_t cut)
{
	const struct rule_set *set = &sets[which];
	struct seen s = { frame->bytes, (int)cut };
	struct frame becomes = *frame;
	bool right = set->rx ? judge_rx(set, s, &becomes) : judge_tx(set, s, &becomes);

	load(frame, cut);
	judged++;
	passed += right;
	if (product(set, &policies[which], frame->len) != right || (right && !is_same(&becomes)))
		report(which, frame, cut, right);
}

/* --- all frames ------------------------------------------------------------------------------- */

static const uint32_t tags[] = { 0x8100e000, 0x8100600a, 0x81000014, 0x88a8e000, 0x88a8600a,
				 0x88a80014, 0x9100e000, 0x9100600a, 0x91000014 };

/* With one set of rules in turn, each length at which the frame can be cut, and each split. */
static void compare_cut(const struct frame *frame)
{
	static uint32_t turn;

	for (uint32_t cut = 14; cut < frame->len; cut++) {
		struct frame shorter = *frame;

		compare(turn++ % NR(sets), frame, cut);
		shorter.len = cut;
		compare(turn++ % NR(sets), &shorter, cut);
	}
}

/* A stack of tags, and everything there may be behind it. */
static void compare_stack(const struct frame *stack, uint32_t depth)
{
	for (uint32_t e = 0; e < NR(encapsulations); e++) {
		for (uint32_t c = 0;; c++) {
			struct frame frame = *stack, content = { .len = 0 };
			int type = put_content(&content, c);

			if (!type)
				break;
			if (encapsulations[e]) {
				put16(&frame, content.len + 8);
				put(&frame, encapsulations[e], 6);
			}
			put16(&frame, (uint32_t)type);
			put(&frame, (const char *)content.bytes, content.len);
			for (uint32_t i = 0; i < NR(sets); i++)
				compare(i, &frame, frame.len);
			if (depth <= 2)
				compare_cut(&frame);
		}
	}
}

static void compare_stacks(struct frame *stack, uint32_t depth)
{
	compare_stack(stack, depth);
	if (depth == 4)
		return;
	for (uint32_t i = 0; i < NR(tags); i++) {
		put16(stack, tags[i] >> 16);
		put16(stack, tags[i]);
		compare_stacks(stack, depth + 1);
		stack->len -= 4;
	}
}

static void compile(uint32_t which)
{
	struct policy_draft draft;
	struct path_live live = { 0 };
	struct rte_ether_addr mac;
	char why[POLICY_ERROR_MAX], key[128];

	memcpy(&mac, OWN_MAC, 6);
	policy_init(&draft);
	for (uint32_t i = 0; i < NR(sets[which].rules) && sets[which].rules[i]; i++) {
		char *value;

		snprintf(key, sizeof(key), "%s", sets[which].rules[i]);
		value = strchr(key, '=');
		*value = '\0';
		assert_int_equal(policy_set(&draft, key, value + 1, why), 0);
	}
	policy_compile(&draft, &mac, &live);
	policies[which] = live.policy;
}

static void no_encapsulation_gets_past_a_rule(void **state)
{
	struct frame stack = { .len = 0 };

	(void)state;
	first = rte_pktmbuf_alloc(fake_tools.pool);
	second = rte_pktmbuf_alloc(fake_tools.pool);
	for (uint32_t i = 0; i < NR(sets); i++)
		compile(i);
	put(&stack, "\x02\x00\x00\x00\x00\x02" OWN_MAC, 12);
	compare_stacks(&stack, 0);
	first->next = NULL;
	first->nb_segs = 1;
	rte_pktmbuf_free(first);
	rte_pktmbuf_free(second);
	printf("fact policy_frames_judged %lu frames\n", (unsigned long)judged);
	printf("fact policy_frames_wrong %lu frames\n", (unsigned long)wrong);
	assert_int_equal(wrong, 0);
	/* neither of the two says no to all, or yes */
	assert_true(judged >= 1000000 && passed > judged / 20 && passed < judged / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_encapsulation_gets_past_a_rule),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
