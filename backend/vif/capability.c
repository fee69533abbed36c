/* SPDX-License-Identifier: BSD-3-Clause */
#include "capability.h"

#include <errno.h>
#include <string.h>

#include "path/coalesce.h"
#include "path/flows.h"
#include "path/statics.h"
#include "vif.h"

LOG_TAG("capability");

/* Limits of the words, see struct vifcap. */
#define MTU_MIN 68u
#define SPEED_MAX_MBPS 10000000u

/* Events for the guest's tx follow rsp_event alone, so the words of that direction are always 0. */
#define COALESCE_WORDS                                                                             \
	(word_bit(VIFCAP_WORD_COALESCE_RX_US) | word_bit(VIFCAP_WORD_COALESCE_RX_FRAMES) |         \
	 word_bit(VIFCAP_WORD_COALESCE_TX_US) | word_bit(VIFCAP_WORD_COALESCE_TX_FRAMES))

/* No vif reaches this many; if one does, it begins at 1 again. */
#define GENERATION_LIMIT (1u << 31)

static uint32_t at_most(uint64_t value, uint32_t most)
{
	return value < most ? (uint32_t)value : most;
}

static uint32_t word_bit(enum vifcap_word word)
{
	return 1u << word;
}

static uint32_t offloads(const struct vif *vif)
{
	switch (vif->policy.draft.offload) {
	case POLICY_OFFLOAD_NONE:
		return VIFCAP_SG;
	case POLICY_OFFLOAD_CHECKSUM:
		return VIFCAP_CSUM4 | VIFCAP_CSUM6 | VIFCAP_SG;
	default:
		return VIFCAP_OFFLOADS_ALL;
	}
}

/* dddd:bb:dd.f: the record has room for no other name. */
static bool is_pci(const char *name)
{
	return strlen(name) == VIFCAP_VF_MAX && strspn(name, "0123456789abcdef:.") == VIFCAP_VF_MAX;
}

/*
 * What the vif can do now. All offloads are offered, whatever the port: where it lacks
 * one, vifd does the work, which costs the guest more than it costs us.
 */
static void describe(const struct vif *vif, struct vifcap *cap)
{
	struct port *port = path_get_port(vif->path);
	struct port_link link = { .up = true };
	bool vf = port->kind == PORT_VF;

	port->ops->link_get(port, &link);
	memset(cap, 0, sizeof(*cap)); /* compared as bytes */
	cap->present = word_bit(VIFCAP_WORD_VERSION) | word_bit(VIFCAP_WORD_GENERATION) |
		       word_bit(VIFCAP_WORD_PATH) | word_bit(VIFCAP_WORD_VF) |
		       word_bit(VIFCAP_WORD_LINK) | word_bit(VIFCAP_WORD_SPEED) |
		       word_bit(VIFCAP_WORD_MTU) | word_bit(VIFCAP_WORD_QUEUES) |
		       word_bit(VIFCAP_WORD_TX_OFFLOADS) | word_bit(VIFCAP_WORD_RX_OFFLOADS) |
		       word_bit(VIFCAP_WORD_STATIC_GRANTS) | word_bit(VIFCAP_WORD_RATE) |
		       word_bit(VIFCAP_WORD_GUARANTEED) | word_bit(VIFCAP_WORD_FEATURES) |
		       word_bit(VIFCAP_WORD_FLOWS) | COALESCE_WORDS;
	cap->version = VIFCAP_VERSION;
	cap->path = vf ? VIFCAP_PATH_VF : VIFCAP_PATH_SOFTWARE;
	memcpy(cap->vf, "none", sizeof("none"));
	if (vf && is_pci(port->name))
		memcpy(cap->vf, port->name, VIFCAP_VF_MAX);
	cap->link = link.up && vif->live.link;
	cap->speed = link.speed_mbps <= SPEED_MAX_MBPS ? link.speed_mbps : 0;
	cap->mtu = vif->policy.draft.vlan_outer ? port->outer_mtu : port->mtu;
	cap->mtu = RTE_MIN(cap->mtu, (uint32_t)vif->live.mtu);
	if (cap->mtu < MTU_MIN)
		cap->mtu = MTU_MIN;
	cap->queues = at_most(vif->host->config->max_queues, NETIF_QUEUES_MAX);
	if (vif->policy.draft.queues)
		cap->queues = at_most(vif->policy.draft.queues, cap->queues);
	cap->tx_offloads = offloads(vif);
	cap->rx_offloads = offloads(vif);
	cap->static_grants = vif->policy.draft.static_grants ? STATICS_MAX : 0;
	cap->flows = vif->live.flows;
	cap->features = VIFCAP_FEATURE_COALESCE;
	cap->coalesce_rx_us = vif->live.rx_delay_us;
	cap->coalesce_rx_frames = vif->live.rx_delay_frames;
	cap->rate = rate_kbps(vif->live.rate);
	cap->guaranteed = policy_guaranteed(&vif->policy.draft);
	request_answer(vif, cap);
	vf_wishes_describe(&vif->virtual_pf.wishes, cap);
}

/* Return: length, -errno; @text is terminated */
static int read_record(struct vif *vif, const char *dir, char text[VIFCAP_TEXT_MAX + 1])
{
	return store_get_text(vif->host->store, dir, VIFCAP_NODE, text, VIFCAP_TEXT_MAX + 1);
}

static int read_ack(struct vif *vif, uint32_t *generation)
{
	return store_get_u32(vif->host->store, vif->frontend, VIFCAP_NODE_ACK, 1, UINT32_MAX,
			     generation);
}

/*
 * A new connection. An acknowledgement left by an earlier one must not count for this one,
 * so our generations begin above it, and above those of a vifd that died.
 */
static void begin(struct vif *vif)
{
	struct capability *cap = &vif->cap;
	char text[VIFCAP_TEXT_MAX + 1];
	int len = read_record(vif, vif->backend, text);
	struct vifcap old;
	uint32_t ack;

	if (len > 0 && !vifcap_parse(&old, text, (size_t)len) && old.generation > cap->generation)
		cap->generation = old.generation;
	if (!read_ack(vif, &ack) && ack < GENERATION_LIMIT && ack > cap->generation)
		cap->generation = ack;
	if (cap->generation >= GENERATION_LIMIT)
		cap->generation = 0;
	cap->first = cap->generation + 1;
	cap->acked = 0;
	cap->held = false;
	cap->seen = 0;
	cap->hold_us = CAPABILITY_HOLD_MIN_US;
	cap->changed_us = 0;
	cap->rx_used = VIFCAP_OFFLOADS_ALL;
}

/* The next change waits longer if changes come often. */
static void set_hold(struct capability *cap, uint64_t now_us)
{
	uint32_t hold_us = CAPABILITY_HOLD_MIN_US;

	if (cap->offered.present && now_us - cap->offered_us < CAPABILITY_FLAP_US)
		hold_us = cap->hold_us * 2;
	cap->hold_us = at_most(hold_us, CAPABILITY_HOLD_MAX_US);
}

/* One write, so no reader sees half a record. */
static void offer(struct vif *vif, const struct vifcap *now, uint64_t now_us)
{
	struct capability *cap = &vif->cap;
	struct vifcap next = *now;
	char text[VIFCAP_TEXT_MAX + 1];
	int ret;

	next.generation = cap->generation + 1;
	ret = vifcap_format(&next, text, sizeof(text));
	if (ret > 0)
		ret = store_put(vif->host->store, vif->backend, VIFCAP_NODE, "%s", text);
	set_hold(cap, now_us);
	cap->offered_us = now_us;
	if (ret < 0) {
		if (vif_may_warn(vif))
			log_warn("%s: cannot write the capability record: %s", vif->name,
				 strerror(-ret));
		vif_due(vif, 0, now_us + CAPABILITY_OFFER_US);
		return;
	}
	cap->generation = next.generation;
	cap->offered = next;
	cap->changed_us = 0;
	cap->offers++;
	log_debug("%s: offers %s", vif->name, text);
}

static uint64_t later(uint64_t a_us, uint64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

void capability_offer(struct vif *vif, uint64_t now_us)
{
	struct capability *cap = &vif->cap;
	uint64_t due_us = cap->offered_us ? cap->offered_us + CAPABILITY_OFFER_US : 0;
	struct vifcap now;

	describe(vif, &now);
	now.generation = cap->offered.generation;
	if (!memcmp(&now, &cap->offered, sizeof(now))) {
		cap->changed_us = 0;
		return;
	}
	if (!cap->changed_us)
		cap->changed_us = now_us;
	if (cap->offered.present)
		due_us = later(due_us, cap->changed_us + cap->hold_us);
	if (now_us < due_us)
		vif_due(vif, 0, due_us);
	else
		offer(vif, &now, now_us);
}

static void refuse(struct vif *vif, const char *why)
{
	struct capability *cap = &vif->cap;

	cap->refused++;
	cap->held = true;
	cap->acked = 0;
	if (!cap->told && vif_may_warn(vif))
		log_warn("%s: %s, held at plain netif", vif->name, why);
	cap->told = true;
}

static const char *take_ack(struct capability *cap, int ret, uint32_t generation)
{
	if (ret == -ENOENT || (!ret && generation < cap->first)) {
		cap->acked = 0;
		return NULL;
	}
	if (ret)
		return "its " VIFCAP_NODE_ACK " is not a generation";
	if (generation > cap->generation)
		return "its " VIFCAP_NODE_ACK " is of a generation that was not offered yet";
	if (generation < cap->acked)
		return "its " VIFCAP_NODE_ACK " goes back";
	cap->acked = generation;
	return NULL;
}

static const char *take_record(struct capability *cap, int len, const char *text)
{
	int ret;

	cap->front.present = 0;
	if (len == -ENOENT)
		return NULL;
	if (len == -E2BIG)
		return "its " VIFCAP_NODE " record is too long";
	ret = len < 0 ? len : vifcap_parse(&cap->front, text, (size_t)len);
	return ret ? "its " VIFCAP_NODE " record is malformed" : NULL;
}

/* FNV-1a. */
static uint64_t digest(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3u;
	return sum;
}

/* A word of the front end's record, 0 if it has none */
static uint32_t wish(const struct capability *cap, enum vifcap_word word, uint32_t value)
{
	return !cap->held && vifcap_has(&cap->front, word) ? value : 0;
}

/*
 * What did not change was judged when it came: an acknowledgement from the future does not
 * become valid when its generation is offered.
 */
static void read_front(struct vif *vif)
{
	struct capability *cap = &vif->cap;
	char text[VIFCAP_TEXT_MAX + 1];
	int len = read_record(vif, vif->frontend, text);
	uint32_t ack = 0;
	int ack_ret = read_ack(vif, &ack);
	const char *bad_record, *bad_ack;
	uint64_t seen = 0xcbf29ce484222325u;

	seen = digest(seen, &len, sizeof(len));
	seen = digest(seen, text, len > 0 ? (size_t)len : 0);
	seen = digest(seen, &ack_ret, sizeof(ack_ret));
	seen = digest(seen, &ack, sizeof(ack));
	if (seen == cap->seen)
		return;
	cap->seen = seen;
	bad_record = take_record(cap, len, text);
	bad_ack = take_ack(cap, ack_ret, ack);
	if (bad_record || bad_ack)
		refuse(vif, bad_record ? bad_record : bad_ack);
	else
		cap->held = false;
	if (capability_acked(cap))
		cap->rx_used = cap->offered.rx_offloads;
	vif->stale |= STALE_LIVE; /* the path does what it wishes and what it has taken */
}

/* The admin's bound, or the guest's if that is less; the delay below it is chosen by what comes. */
static void limit_latency(uint32_t most_us, uint32_t moderated_us, struct path_live *live)
{
	live->rx_adaptive = true;
	live->rx_delay_us = live->rx_delay_us ? RTE_MIN(live->rx_delay_us, most_us) : most_us;
	if (!live->rx_delay_frames || live->rx_delay_frames > COALESCE_FRAMES)
		live->rx_delay_frames = COALESCE_FRAMES;
	live->rx_device_us = moderated_us;
}

void capability_limit(const struct vif *vif, struct path_live *live)
{
	const struct capability *cap = &vif->cap;
	uint32_t rx = offloads(vif);

	/* a front end that says nothing of itself has what its feature-* say */
	if (cap->first && cap->front.present && !cap->held)
		rx &= cap->rx_used;
	live->no_rx_csum = !(rx & VIFCAP_CSUM4);
	live->no_rx_gso = !(rx & VIFCAP_GSO4);
	live->flows = at_most(vif->policy.draft.flows, FLOWS_MAX);
	live->no_statics = !vif->policy.draft.static_grants;
	live->rx_delay_us = wish(cap, VIFCAP_WORD_COALESCE_RX_US, cap->front.coalesce_rx_us);
	live->rx_delay_frames =
		wish(cap, VIFCAP_WORD_COALESCE_RX_FRAMES, cap->front.coalesce_rx_frames);
	if (vif->policy.draft.latency_us)
		limit_latency(vif->policy.draft.latency_us, vif->moderation.us, live);
}

void capability_read(struct vif *vif, uint64_t now_us)
{
	struct capability *cap = &vif->cap;

	vif->stale &= ~(uint32_t)STALE_RECORD;
	if (!cap->first)
		begin(vif);
	if (cap->read_us && now_us < cap->read_us + CAPABILITY_READ_US) {
		vif_due(vif, STALE_RECORD, cap->read_us + CAPABILITY_READ_US);
		return;
	}
	cap->read_us = now_us;
	read_front(vif);
}

void capability_stop(struct vif *vif)
{
	struct capability *cap = &vif->cap;

	if (!cap->first)
		return;
	store_remove(vif->host->store, vif->backend, VIFCAP_NODE);
	cap->first = 0;
	cap->acked = 0;
	cap->held = false;
	cap->offered.present = 0;
	cap->front.present = 0;
}

bool capability_acked(const struct capability *cap)
{
	return cap->offered.present && !cap->held && cap->acked == cap->offered.generation;
}
