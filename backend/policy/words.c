/* SPDX-License-Identifier: BSD-3-Clause */
/* How the text of each rule is read; see policy.h. */
#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mac.h"
#include "base/text.h"

#define VLAN_MIN 1u
#define VLAN_MAX 4094u
#define RATE_BYTES_MAX UINT64_C(1000000000000000)
#define RATE_US_MAX UINT64_C(1000000000)

static int refuse(char *why, const char *value, const char *expected)
{
	snprintf(why, POLICY_ERROR_MAX, "'%.48s': expected %s", value, expected);
	return -EINVAL;
}

static bool take_vlan(const char **text, uint16_t *vlan)
{
	uint64_t number;

	if (text_take_u64(text, VLAN_MIN, VLAN_MAX, &number))
		return false;
	*vlan = (uint16_t)number;
	return true;
}

static bool add_vlans(uint64_t map[VLAN_WORDS], uint16_t first, uint16_t last, uint16_t step)
{
	for (uint32_t vlan = first; vlan <= last; vlan += step)
		if (!policy_vlan_add(map, (uint16_t)vlan))
			return false;
	return true;
}

static void *field_of(const struct policy_key *rule, struct policy_draft *draft)
{
	return (char *)draft + rule->field;
}

static int set_flag(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		    char *why)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return refuse(why, value, rule->expected);
	*(bool *)field_of(rule, draft) = *value == '1';
	return 0;
}

/* A flag that nobody set is -1. */
static int set_maybe(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		     char *why)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return refuse(why, value, rule->expected);
	*(int *)field_of(rule, draft) = *value == '1';
	return 0;
}

/* Which of the words a|b|c it is, from 0 on. */
static int set_choice(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		      char *why)
{
	const char *word = rule->words;
	size_t len = strlen(value);

	for (int i = 0; word; i++) {
		if (strcspn(word, "|") == len && !memcmp(word, value, len)) {
			*(int *)field_of(rule, draft) = i;
			return 0;
		}
		word = strchr(word, '|');
		if (word)
			word++;
	}
	return refuse(why, value, rule->expected);
}

static int set_number(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		      char *why)
{
	const char *at = value;
	uint64_t number;

	if (text_take_u64(&at, rule->low, rule->high, &number) || *at)
		return refuse(why, value, rule->expected);
	*(uint32_t *)field_of(rule, draft) = (uint32_t)number;
	return 0;
}

/* "<bytes per interval>,<interval in us>", as libxl and xapi write it. */
static int set_rate(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		    char *why)
{
	struct rate *rate = field_of(rule, draft);
	const char *at = value;
	uint64_t bytes = 0, us = 0;

	if (*value && (text_take_u64(&at, 1, RATE_BYTES_MAX, &bytes) || !text_take(&at, ',') ||
		       text_take_u64(&at, 1, RATE_US_MAX, &us) || *at))
		return refuse(why, value, "BYTES,MICROSECONDS, both above 0, or nothing");
	rate->bytes = bytes;
	rate->us = us;
	return 0;
}

/* "0-3,5" */
static int set_queues(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		      char *why)
{
	uint64_t *queues = field_of(rule, draft), first, last;
	const char *at = value;

	*queues = 0;
	while (*value) {
		if (text_take_u64(&at, rule->low, rule->high, &first))
			return refuse(why, at, rule->expected);
		last = first;
		if (text_take(&at, '-') &&
		    (text_take_u64(&at, rule->low, rule->high, &last) || last < first))
			return refuse(why, value, rule->expected);
		for (; first <= last; first++) {
			if (*queues & UINT64_C(1) << first)
				return refuse(why, value, "each queue once");
			*queues |= UINT64_C(1) << first;
		}
		if (!*at)
			break;
		if (!text_take(&at, ','))
			return refuse(why, at, "a comma between queues");
	}
	return 0;
}

/* "0:62500,50000 3:125000,50000" */
static int set_queue_rates(const struct policy_key *rule, struct policy_draft *draft,
			   const char *value, char *why)
{
	struct rate *rates = field_of(rule, draft);
	const char *at = value;

	memset(rates, 0, sizeof(draft->queue_rate));
	for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
		const char *word = at;
		uint64_t queue, bytes, us;

		if (text_take_u64(&at, rule->low, rule->high, &queue) || !text_take(&at, ':') ||
		    text_take_u64(&at, 1, RATE_BYTES_MAX, &bytes) || !text_take(&at, ',') ||
		    text_take_u64(&at, 1, RATE_US_MAX, &us) || (*at && *at != ' '))
			return refuse(why, word, rule->expected);
		if (rates[queue].bytes)
			return refuse(why, word, "each queue once");
		rates[queue] = (struct rate){ bytes, us };
	}
	return 0;
}

/* "1,1,4": of classes 0, 1, ...; those not named have 1. */
static int set_shares(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		      char *why)
{
	uint8_t *shares = field_of(rule, draft);
	const char *at = value;
	uint64_t share;

	memset(shares, 1, CLASSES);
	for (uint32_t i = 0; *value; i++) {
		if (i == CLASSES || text_take_u64(&at, rule->low, rule->high, &share))
			return refuse(why, value, rule->expected);
		shares[i] = (uint8_t)share;
		if (!*at)
			break;
		if (!text_take(&at, ','))
			return refuse(why, value, rule->expected);
	}
	return 0;
}

/* "10/5": VLAN and priority. */
static int set_tag(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		   char *why)
{
	const char *at = value;
	uint64_t priority = 0;
	uint16_t vlan = 0;

	if (*value && (!take_vlan(&at, &vlan) ||
		       (text_take(&at, '/') && text_take_u64(&at, 0, 7, &priority)) || *at))
		return refuse(why, value,
			      "VLAN 1..4094, optionally with /PRIORITY 0..7, or nothing");
	*(uint16_t *)field_of(rule, draft) = (uint16_t)(priority << 13 | vlan);
	return 0;
}

/* "10,20-29" */
static int take_vlans(uint64_t map[VLAN_WORDS], const char *value, char *why)
{
	const char *at = value;
	uint16_t first, last;

	memset(map, 0, VLAN_WORDS * sizeof(map[0]));
	while (*at || at != value) {
		const char *term = at;

		if (!take_vlan(&at, &first))
			return refuse(why, term, "VLANs 1..4094, as 10,20-29");
		last = first;
		if (text_take(&at, '-') && (!take_vlan(&at, &last) || last < first))
			return refuse(why, value, "a range FIRST-LAST of VLANs 1..4094");
		if (!add_vlans(map, first, last, 1))
			return refuse(why, value, "each VLAN once");
		if (!*at)
			break;
		if (!text_take(&at, ','))
			return refuse(why, at, "a comma between VLANs");
	}
	return 0;
}

static int set_vlans(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		     char *why)
{
	(void)rule;
	draft->filter = *value != '\0';
	return take_vlans(draft->vlans, value, why);
}

static int set_vlan_set(const struct policy_key *rule, struct policy_draft *draft,
			const char *value, char *why)
{
	return take_vlans(field_of(rule, draft), value, why);
}

/* A handle, which may be 0, is kept with 1 added. */
static int set_handle(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		      char *why)
{
	uint32_t *handle = field_of(rule, draft);
	const char *at = value;
	uint64_t number;

	*handle = 0;
	if (!*value)
		return 0;
	if (text_take_u64(&at, rule->low, rule->high, &number) || *at)
		return refuse(why, value, rule->expected);
	*handle = (uint32_t)number + 1;
	return 0;
}

/* One term of xl's grammar: ID[p|u], FIRST-LAST[u], START+OFFSETxCOUNT[u]. */
static bool take_xl_term(const char **at, struct policy_draft *draft)
{
	uint64_t step = 1, count = 1;
	uint16_t first, last;

	if (!take_vlan(at, &first))
		return false;
	last = first;
	if (text_take(at, '-')) {
		if (!take_vlan(at, &last) || last <= first)
			return false;
	} else if (text_take(at, '+')) {
		if (text_take_u64(at, 1, VLAN_MAX, &step) || !text_take(at, 'x') ||
		    text_take_u64(at, 1, VLAN_MAX, &count) || first + step * (count - 1) > VLAN_MAX)
			return false;
		last = (uint16_t)(first + step * (count - 1));
	} else if (text_take(at, 'p')) {
		if (draft->vlan_insert)
			return false;
		draft->vlan_insert = first;
	}
	return add_vlans(draft->vlans, first, last, (uint16_t)step) &&
	       (!text_take(at, 'u') || draft->vlan_insert == first ||
		add_vlans(draft->strip, first, last, (uint16_t)step));
}

static int set_xl_vlans(const struct policy_key *rule, struct policy_draft *draft,
			const char *value, char *why)
{
	const char *at = value;

	(void)rule;
	memset(draft->vlans, 0, sizeof(draft->vlans));
	memset(draft->strip, 0, sizeof(draft->strip));
	draft->vlan_insert = 0;
	draft->filter = *value != '\0';
	while (draft->filter) {
		if (!take_xl_term(&at, draft) || (*at && *at != '/'))
			return refuse(
				why, value,
				"ID[p|u], FIRST-LAST[u] or START+OFFSETxCOUNT[u] separated by /, "
				"each VLAN once, at most one p");
		if (!text_take(&at, '/'))
			break;
	}
	return 0;
}

static bool is_separator(char c)
{
	return c == ' ' || c == ',';
}

/* The next word of a list into @word; *@at moves behind it. Return: false: no more, or too long */
static bool next_word(const char **at, char *word, size_t size)
{
	size_t len = 0;

	while (is_separator(**at))
		++*at;
	while (**at && !is_separator(**at) && len + 1 < size)
		word[len++] = *(*at)++;
	word[len] = '\0';
	return len > 0;
}

static bool is_unicast(const char *text, struct rte_ether_addr *mac)
{
	return !text_mac(text, mac->addr_bytes) && rte_is_valid_assigned_ether_addr(mac);
}

static int set_macs(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		    char *why)
{
	const char *at = value;
	char word[24];

	(void)rule;
	draft->nr_macs = 0;
	while (next_word(&at, word, sizeof(word))) {
		struct rte_ether_addr mac;

		if (!is_unicast(word, &mac))
			return refuse(why, word, "a unicast address aa:bb:cc:dd:ee:ff");
		if (mac_is_in(draft->macs, draft->nr_macs, &mac))
			return refuse(why, word, "each address once");
		if (draft->nr_macs == MACS_MAX)
			return refuse(why, word, "at most 64 addresses");
		draft->macs[draft->nr_macs++] = mac;
	}
	return 0;
}

/* An address, or file:NAME, which makes no path. */
static int set_mirror_target(const struct policy_key *rule, struct policy_draft *draft,
			     const char *value, char *why)
{
	struct mirror_target *target = field_of(rule, draft);
	const char *name = value + strlen("file:");

	memset(target, 0, sizeof(*target));
	if (!*value || is_unicast(value, &target->mac))
		return 0;
	memset(target, 0, sizeof(*target));
	if (strncmp(value, "file:", 5) != 0 || !*name || *name == '.' ||
	    strlen(name) >= sizeof(target->file) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
		return refuse(why, value, rule->expected);
	strcpy(target->file, name);
	return 0;
}

/* Is nothing set behind the first @bits? */
static bool is_network(const struct policy_ip *ip)
{
	for (uint32_t bit = ip->bits; bit < 128; bit++)
		if (ip->addr[bit / 8] & 0x80 >> (bit % 8))
			return false;
	return true;
}

/* An address, a network, or an address with its netmask: that is the address alone. */
static bool parse_ip(char *text, struct policy_ip *ip)
{
	char *slash = strchr(text, '/');
	const char *bits_text = slash ? slash + 1 : "";
	bool ipv6 = strchr(text, ':') != NULL;
	uint64_t bits = ipv6 ? 128 : 32;

	if (slash)
		*slash = '\0';
	*ip = (struct policy_ip){ .addr = { [10] = 0xff, [11] = 0xff } };
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, ipv6 ? ip->addr : ip->addr + 12) != 1)
		return false;
	if (slash && (text_take_u64(&bits_text, 0, bits, &bits) || *bits_text))
		return false;
	ip->bits = (uint8_t)(ipv6 ? bits : bits + 96);
	if (!is_network(ip))
		ip->bits = 128;
	for (uint32_t bit = 0; bit < ip->bits; bit++)
		ip->mask[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return true;
}

static int set_ips(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		   char *why)
{
	const char *at = value;
	char word[64];

	(void)rule;
	draft->nr_ips = 0;
	while (next_word(&at, word, sizeof(word))) {
		char copy[sizeof(word)];
		struct policy_ip ip;

		memcpy(copy, word, sizeof(copy));
		if (!parse_ip(copy, &ip))
			return refuse(why, word, "an IPv4 or IPv6 address, optionally with /BITS");
		for (uint32_t i = 0; i < draft->nr_ips; i++)
			if (!memcmp(&ip, &draft->ips[i], sizeof(ip)))
				return refuse(why, word, "each address once");
		if (draft->nr_ips == POLICY_IPS_MAX)
			return refuse(why, word, "at most 32 addresses");
		draft->ips[draft->nr_ips++] = ip;
	}
	return 0;
}

#define FIELD(name) offsetof(struct policy_draft, name)
#define RULE(name_, setter, field_, low_, high_, words_, without_, hw_, expected_)                 \
	{ .name = (name_),                                                                         \
	  .set = set_##setter,                                                                     \
	  .field = (field_),                                                                       \
	  .low = (low_),                                                                           \
	  .high = (high_),                                                                         \
	  .words = (words_),                                                                       \
	  .without = (without_),                                                                   \
	  .hw = (hw_),                                                                             \
	  .expected = (expected_) },

static const struct policy_key rules[] = { POLICY_RULES(RULE) };

#define NR_RULES (sizeof(rules) / sizeof(rules[0]))

_Static_assert(NR_RULES < POLICY_KEYS_MAX, "a file's reader has a bit for each, a trace a place");
_Static_assert(sizeof(enum policy_link) == sizeof(int), "set_choice() stores an int");

const struct policy_key *policy_key(uint32_t n)
{
	return n < NR_RULES ? &rules[n] : NULL;
}
