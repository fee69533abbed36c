// SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause)
/*
 * One table says what a word's value looks like; parser and formatter walk it.
 *
 * The parser takes no byte on trust: it is given a length, looks at nothing
 * behind it, and fills a record of its own that reaches the caller only when
 * every word was right.
 */
#include "capability.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <stdio.h>
#include <string.h>
#endif

#define U32_MOST 0xffffffffu
#define U16_MOST 0xffffu

enum kind { KIND_NUMBER, KIND_HEX, KIND_NAME, KIND_LIST, KIND_VF, KIND_MAC, KIND_HANDLES };

/* A list's member and its bit, or a name and its number; ends with NULL. */
struct member {
	const char *name;
	__u32 value;
};

static const struct member paths[] = {
	{ "vf", VIFCAP_PATH_VF },
	{ "software", VIFCAP_PATH_SOFTWARE },
	{ "other", VIFCAP_PATH_OTHER },
	{ NULL, VIFCAP_PATH_OTHER },
};

static const struct member links[] = { { "down", 0 }, { "up", 1 }, { NULL, U32_MOST } };

static const struct member tx_offloads[] = {
	{ "csum4", VIFCAP_CSUM4 }, { "csum6", VIFCAP_CSUM6 }, { "tso4", VIFCAP_GSO4 },
	{ "tso6", VIFCAP_GSO6 },   { "sg", VIFCAP_SG },       { NULL, 0 },
};

static const struct member rx_offloads[] = {
	{ "csum4", VIFCAP_CSUM4 }, { "csum6", VIFCAP_CSUM6 }, { "gso4", VIFCAP_GSO4 },
	{ "gso6", VIFCAP_GSO6 },   { "sg", VIFCAP_SG },       { NULL, 0 },
};

static const struct member features[] = {
	{ "vlan", VIFCAP_FEATURE_VLAN },
	{ "coalesce", VIFCAP_FEATURE_COALESCE },
	{ "vf-rules", VIFCAP_FEATURE_VF_RULES },
	{ NULL, 0 },
};

struct word {
	const char *key;
	enum kind kind;
	size_t offset;
	__u32 min, max;
	const struct member *members;
};

#define NUMBER(k, f, lo, hi) { k, KIND_NUMBER, offsetof(struct vifcap, f), lo, hi, NULL }
#define NAME(k, f, m) { k, KIND_NAME, offsetof(struct vifcap, f), 0, U32_MOST - 1, m }
#define LIST(k, f, m) { k, KIND_LIST, offsetof(struct vifcap, f), 0, U32_MOST, m }
#define HEX(k, f, hi) { k, KIND_HEX, offsetof(struct vifcap, f), 0, hi, NULL }

static const struct word words[VIFCAP_WORDS] = {
	[VIFCAP_WORD_VERSION] = NUMBER("version", version, 1, U32_MOST),
	[VIFCAP_WORD_GENERATION] = NUMBER("generation", generation, 1, U32_MOST),
	[VIFCAP_WORD_PATH] = NAME("path", path, paths),
	[VIFCAP_WORD_VF] = { "vf", KIND_VF, offsetof(struct vifcap, vf), 0, 0, NULL },
	[VIFCAP_WORD_LINK] = NAME("link", link, links),
	[VIFCAP_WORD_SPEED] = NUMBER("speed", speed, 0, 10000000),
	[VIFCAP_WORD_MTU] = NUMBER("mtu", mtu, 68, 65535),
	[VIFCAP_WORD_QUEUES] = NUMBER("queues", queues, 1, 64),
	[VIFCAP_WORD_TX_OFFLOADS] = LIST("tx-offloads", tx_offloads, tx_offloads),
	[VIFCAP_WORD_RX_OFFLOADS] = LIST("rx-offloads", rx_offloads, rx_offloads),
	[VIFCAP_WORD_STATIC_GRANTS] = NUMBER("static-grants", static_grants, 0, 65535),
	[VIFCAP_WORD_COALESCE_RX_US] = NUMBER("coalesce-rx-us", coalesce_rx_us, 0, 10000),
	[VIFCAP_WORD_COALESCE_RX_FRAMES] = NUMBER("coalesce-rx-frames", coalesce_rx_frames, 0, 256),
	[VIFCAP_WORD_COALESCE_TX_US] = NUMBER("coalesce-tx-us", coalesce_tx_us, 0, 10000),
	[VIFCAP_WORD_COALESCE_TX_FRAMES] = NUMBER("coalesce-tx-frames", coalesce_tx_frames, 0, 256),
	[VIFCAP_WORD_RATE] = NUMBER("rate", rate, 0, U32_MOST),
	[VIFCAP_WORD_GUARANTEED] = NUMBER("guaranteed", guaranteed, 0, U32_MOST),
	[VIFCAP_WORD_FLAGS] = HEX("flags", flags, U32_MOST),
	[VIFCAP_WORD_FLAGS_ALLOWED] = HEX("flags-allowed", flags_allowed, U32_MOST),
	[VIFCAP_WORD_FEATURES] = LIST("features", features, features),
	[VIFCAP_WORD_MAC] = { "mac", KIND_MAC, offsetof(struct vifcap, mac), 0, 0, NULL },
	[VIFCAP_WORD_FLOWS] = NUMBER("flows", flows, 0, 256),
	[VIFCAP_WORD_VIRTUAL_VFS] = { "virtual-vfs", KIND_HANDLES,
				      offsetof(struct vifcap, virtual_vfs), 0, U16_MOST, NULL },
};

/* A piece of the text, not terminated. */
struct span {
	const char *p;
	size_t len;
};

static bool span_is(struct span s, const char *name)
{
	return s.len == strlen(name) && !memcmp(s.p, name, s.len);
}

/* Splits what stands before @sep off the front of @s; @sep goes too. */
static bool span_cut(struct span *s, char sep, struct span *head)
{
	const char *at = s->len ? memchr(s->p, sep, s->len) : NULL;

	head->p = s->p;
	head->len = at ? (size_t)(at - s->p) : s->len;
	s->p += head->len + (at ? 1 : 0);
	s->len -= head->len + (at ? 1 : 0);
	return at;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

static bool is_value_char(char c)
{
	return is_key_char(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == ',' || c == ':' ||
	       c == '/' || c == '_' || c == '+';
}

static bool span_all(struct span s, bool (*is)(char c))
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is(s.p[i]))
			return false;
	return s.len > 0;
}

/* Decimal, or lower-case hexadecimal without prefix; no leading zero. */
static int parse_number(struct span s, unsigned int base, __u32 *out)
{
	unsigned long long n = 0;
	size_t i;

	if (!span_all(s, base == 16 ? is_hex : is_digit) || s.len > 10 ||
	    (s.len > 1 && s.p[0] == '0'))
		return -EINVAL;
	for (i = 0; i < s.len; i++)
		n = n * base + (unsigned int)(is_digit(s.p[i]) ? s.p[i] - '0' : s.p[i] - 'a' + 10);
	if (n > U32_MOST)
		return -EINVAL;
	*out = (__u32)n;
	return 0;
}

/* "none", or names divided by commas, each at most once. */
static int parse_list(struct span s, const struct member *members, __u32 *out)
{
	const struct member *m;
	struct span name;
	bool more = true;
	__u32 bits = 0;

	if (span_is(s, "none")) {
		*out = 0;
		return 0;
	}
	while (more) {
		more = span_cut(&s, ',', &name);
		if (!span_all(name, is_key_char))
			return -EINVAL;
		for (m = members; m->name && !span_is(name, m->name); m++)
			;
		if (bits & m->value)
			return -EINVAL;
		bits |= m->value;
	}
	*out = bits;
	return 0;
}

static __u32 parse_name(struct span s, const struct member *members)
{
	const struct member *m;

	for (m = members; m->name && !span_is(s, m->name); m++)
		;
	return m->value;
}

/* "none", or dddd:bb:dd.f */
static int parse_vf(struct span s, char *out)
{
	static const char shape[] = "hhhh:hh:hh.h";
	size_t i;

	if (!span_is(s, "none")) {
		if (s.len != VIFCAP_VF_MAX)
			return -EINVAL;
		for (i = 0; i < s.len; i++)
			if (shape[i] == 'h' ? !is_hex(s.p[i]) : s.p[i] != shape[i])
				return -EINVAL;
	}
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return 0;
}

static __u8 hex_digit(char c)
{
	return (__u8)(is_digit(c) ? c - '0' : c - 'a' + 10);
}

/* aa:bb:cc:dd:ee:ff */
static int parse_mac(struct span s, __u8 *out)
{
	size_t i;

	if (s.len != 3 * VIFCAP_MAC_BYTES - 1)
		return -EINVAL;
	for (i = 0; i < s.len; i++)
		if (i % 3 == 2 ? s.p[i] != ':' : !is_hex(s.p[i]))
			return -EINVAL;
	for (i = 0; i < VIFCAP_MAC_BYTES; i++)
		out[i] = (__u8)(hex_digit(s.p[3 * i]) << 4 | hex_digit(s.p[3 * i + 1]));
	return 0;
}

/* "none", or numbers divided by commas, each at most once. */
static int parse_handles(struct span s, struct vifcap_vfs *out)
{
	struct vifcap_vfs vfs = { 0 };
	struct span number;
	bool more = !span_is(s, "none");
	__u32 i, n = 0;

	while (more) {
		more = span_cut(&s, ',', &number);
		if (vfs.nr == VIFCAP_VFS_MAX || parse_number(number, 10, &n) || n > U16_MOST)
			return -EINVAL;
		for (i = 0; i < vfs.nr; i++)
			if (vfs.handle[i] == n)
				return -EINVAL;
		vfs.handle[vfs.nr++] = (__u16)n;
	}
	*out = vfs;
	return 0;
}

static int parse_value(struct vifcap *cap, const struct word *w, struct span value)
{
	void *field = (char *)cap + w->offset;
	__u32 n = 0;
	int rc = 0;

	switch (w->kind) {
	case KIND_VF:
		return parse_vf(value, field);
	case KIND_MAC:
		return parse_mac(value, field);
	case KIND_HANDLES:
		return parse_handles(value, field);
	case KIND_NUMBER:
		rc = parse_number(value, 10, &n);
		break;
	case KIND_HEX:
		rc = parse_number(value, 16, &n);
		break;
	case KIND_NAME:
		n = parse_name(value, w->members);
		break;
	case KIND_LIST:
		rc = parse_list(value, w->members, &n);
		break;
	}
	if (rc)
		return rc;
	if (n < w->min || n > w->max)
		return -EINVAL;
	*(__u32 *)field = n;
	return 0;
}

/* Was @key in the @n words before? Few words: looking again is cheap. */
static bool key_seen(const struct span *seen, unsigned int n, struct span key)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (seen[i].len == key.len && !memcmp(seen[i].p, key.p, key.len))
			return true;
	return false;
}

static int parse_word(struct vifcap *cap, struct span key, struct span value)
{
	unsigned int i;
	int rc;

	if (!span_all(key, is_key_char) || key.len > VIFCAP_KEY_MAX ||
	    !span_all(value, is_value_char))
		return -EINVAL;
	for (i = 0; i < VIFCAP_WORDS; i++) {
		if (!span_is(key, words[i].key))
			continue;
		rc = parse_value(cap, &words[i], value);
		if (rc)
			return rc;
		cap->present |= 1u << i;
	}
	return 0;
}

int vifcap_parse(struct vifcap *cap, const char *text, size_t len)
{
	struct span seen[VIFCAP_WORDS_MAX];
	struct span rest = { text, len }, value, key;
	struct vifcap got;
	unsigned int n = 0;
	bool more = true;
	int rc;

	if (len > VIFCAP_TEXT_MAX)
		return -E2BIG;
	memset(&got, 0, sizeof(got));
	while (more) {
		more = span_cut(&rest, ' ', &value);
		if (!span_cut(&value, '=', &key))
			return -EINVAL;
		if (n == VIFCAP_WORDS_MAX)
			return -E2BIG;
		if (key_seen(seen, n, key))
			return -EEXIST;
		seen[n++] = key;
		rc = parse_word(&got, key, value);
		if (rc)
			return rc;
	}
	if (!vifcap_has(&got, VIFCAP_WORD_VERSION) || !vifcap_has(&got, VIFCAP_WORD_GENERATION))
		return -ENODATA;
	*cap = got;
	return 0;
}

/* Text being written; @len keeps counting when it no longer fits. */
struct out {
	char *buf;
	size_t size, len;
};

static void out_text(struct out *o, const char *text)
{
	for (; *text; text++, o->len++)
		if (o->len < o->size)
			o->buf[o->len] = *text;
}

static void out_list(struct out *o, const struct member *m, __u32 bits)
{
	const char *comma = "";

	if (!bits)
		out_text(o, "none");
	for (; m->name; m++) {
		if (!(bits & m->value))
			continue;
		out_text(o, comma);
		out_text(o, m->name);
		comma = ",";
	}
}

static void out_name(struct out *o, const struct member *m, __u32 value)
{
	while (m->name && m->value != value)
		m++;
	out_text(o, m->name ? m->name : "other");
}

static void out_mac(struct out *o, const char *field)
{
	char byte[4];
	__u8 mac[VIFCAP_MAC_BYTES];
	unsigned int i;

	memcpy(mac, field, sizeof(mac));
	for (i = 0; i < VIFCAP_MAC_BYTES; i++) {
		snprintf(byte, sizeof(byte), "%s%02x", i ? ":" : "", mac[i]);
		out_text(o, byte);
	}
}

static void out_handles(struct out *o, const struct vifcap_vfs *vfs)
{
	char number[8];
	unsigned int i;

	if (!vfs->nr)
		out_text(o, "none");
	for (i = 0; i < vfs->nr && i < VIFCAP_VFS_MAX; i++) {
		snprintf(number, sizeof(number), "%s%u", i ? "," : "", vfs->handle[i]);
		out_text(o, number);
	}
}

static void out_value(struct out *o, const struct vifcap *cap, const struct word *w)
{
	const char *field = (const char *)cap + w->offset;
	char number[12];
	__u32 n = 0;

	if (w->kind == KIND_VF) {
		out_text(o, field);
		return;
	}
	if (w->kind == KIND_MAC) {
		out_mac(o, field);
		return;
	}
	if (w->kind == KIND_HANDLES) {
		out_handles(o, &cap->virtual_vfs);
		return;
	}
	memcpy(&n, field, sizeof(n));
	if (w->kind == KIND_LIST) {
		out_list(o, w->members, n);
	} else if (w->kind == KIND_NAME) {
		out_name(o, w->members, n);
	} else {
		snprintf(number, sizeof(number), w->kind == KIND_HEX ? "%x" : "%u", n);
		out_text(o, number);
	}
}

int vifcap_format(const struct vifcap *cap, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };
	struct vifcap back;
	unsigned int i;

	for (i = 0; i < VIFCAP_WORDS; i++) {
		if (!vifcap_has(cap, i))
			continue;
		out_text(&o, o.len ? " " : "");
		out_text(&o, words[i].key);
		out_text(&o, "=");
		out_value(&o, cap, &words[i]);
	}
	if (o.len >= size)
		return -ENOSPC;
	buf[o.len] = '\0';
	return vifcap_parse(&back, buf, o.len) ? -EINVAL : (int)o.len;
}
