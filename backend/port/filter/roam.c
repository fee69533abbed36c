/* SPDX-License-Identifier: BSD-3-Clause */
#include "roam.h"

#include <string.h>

#include <rte_cycles.h>

#include "log.h"

LOG_TAG("roam");

/* A frame's headers without what a NIC may fill in: checksum of TCP and UDP, padding. */
#define PRINT_BYTES 34u
#define PAUSE_MIN_US 100000u
#define PAUSE_MAX_US 2000000u
/* Who gained an address this long ago gains it at once. */
#define FORGET_US 10000000u

#define RELAXED memory_order_relaxed

static uint64_t key_of(const struct rte_ether_addr *mac)
{
	uint64_t key = 0;

	memcpy(&key, mac, sizeof(*mac));
	return key;
}

static struct rte_ether_addr mac_of(uint64_t key)
{
	struct rte_ether_addr mac;

	memcpy(&mac, &key, sizeof(mac));
	return mac;
}

/* Return: the place of an address, -1 = not listed */
static int place_of(const struct roamer *roamer, uint64_t key)
{
	uint64_t used = atomic_load_explicit(&roamer->used, RELAXED);

	for (; used; used &= used - 1) {
		int place = __builtin_ctzll(used);

		if (atomic_load_explicit(&roamer->macs[place], RELAXED) == key)
			return place;
	}
	return -1;
}

static bool holds(const struct roamer *roamer, int place)
{
	return atomic_load_explicit(&roamer->held, RELAXED) >> place & 1;
}

static bool same_vif(const struct roamer *a, const struct roamer *b)
{
	return rte_is_same_ether_addr(&a->mac, &b->mac);
}

void roam_init(struct roam *roam, struct wake *raise)
{
	pthread_mutex_init(&roam->lock, NULL);
	LIST_INIT(&roam->roamers);
	roam->raise = raise;
	roam->due_us = UINT64_MAX;
}

void roam_join(struct roam *roam, struct roamer *roamer, const struct rte_ether_addr *mac,
	       void (*changed)(struct roamer *roamer))
{
	roamer->roam = roam;
	roamer->mac = *mac;
	roamer->changed = changed;
	pthread_mutex_lock(&roam->lock);
	LIST_INSERT_HEAD(&roam->roamers, roamer, link);
	roamer->joined = true;
	pthread_mutex_unlock(&roam->lock);
}

static void note(struct roam *roam)
{
	atomic_store(&roam->noted, true);
	if (roam->raise)
		wake_worker(roam->raise);
}

/* What a holder gives up: another port that lists it gets it, unless another port of the vif has it. Locked. */
static void bequeath(struct roamer *from, uint64_t key)
{
	struct roamer *other, *heir = NULL;
	int place;

	LIST_FOREACH (other, &from->roam->roamers, link) {
		place = other == from ? -1 : place_of(other, key);
		if (place < 0)
			continue;
		if (holds(other, place))
			return;
		heir = other;
	}
	if (!heir)
		return;
	atomic_store(&heir->sent[place_of(heir, key)],
		     atomic_fetch_add(&from->roam->serial, 1) + 1);
	note(from->roam);
}

/* The address at @place is not listed any more. Locked. */
static void forget(struct roamer *roamer, int place)
{
	uint64_t bit = UINT64_C(1) << place;

	if (holds(roamer, place))
		bequeath(roamer, atomic_load(&roamer->macs[place]));
	atomic_fetch_and(&roamer->used, ~bit);
	atomic_fetch_and(&roamer->held, ~bit);
	atomic_fetch_and(&roamer->left, ~bit);
	atomic_store(&roamer->sent[place], 0);
	roamer->gained_us[place] = 0;
	roamer->pause_us[place] = 0;
}

void roam_leave(struct roamer *roamer)
{
	struct roam *roam = roamer->roam;

	if (!roamer->joined)
		return;
	pthread_mutex_lock(&roam->lock);
	for (int place = 0; place < (int)MACS_MAX; place++)
		if (atomic_load(&roamer->used) >> place & 1)
			forget(roamer, place);
	LIST_REMOVE(roamer, link);
	roamer->joined = false;
	pthread_mutex_unlock(&roam->lock);
}

/* Held from the beginning by the first port that lists it, and by another port of a vif that holds it. */
static bool begins_held(const struct roamer *roamer, uint64_t key)
{
	const struct roamer *other;
	bool listed = false;

	LIST_FOREACH (other, &roamer->roam->roamers, link) {
		int place = other == roamer ? -1 : place_of(other, key);

		if (place < 0)
			continue;
		if (same_vif(other, roamer))
			return holds(other, place);
		listed = true;
	}
	return !listed;
}

/* Locked. @roamer has a free place: no list is longer than MACS_MAX. */
static void add(struct roamer *roamer, uint64_t key)
{
	int place = __builtin_ctzll(~atomic_load(&roamer->used));
	uint64_t bit = UINT64_C(1) << place;

	atomic_store(&roamer->macs[place], key);
	if (begins_held(roamer, key))
		atomic_fetch_or(&roamer->held, bit);
	atomic_fetch_or(&roamer->used, bit);
}

void roam_list(struct roamer *roamer, const struct port_policy *policy)
{
	if (!roamer->joined)
		return;
	pthread_mutex_lock(&roamer->roam->lock);
	for (int place = 0; place < (int)MACS_MAX; place++) {
		struct rte_ether_addr mac = mac_of(atomic_load(&roamer->macs[place]));

		if (atomic_load(&roamer->used) >> place & 1 &&
		    !mac_is_in(policy->macs, policy->nr_macs, &mac))
			forget(roamer, place);
	}
	for (uint32_t i = 0; i < policy->nr_macs; i++) {
		uint64_t key = key_of(&policy->macs[i]);

		if (place_of(roamer, key) < 0 &&
		    !rte_is_same_ether_addr(&policy->macs[i], &roamer->mac))
			add(roamer, key);
	}
	pthread_mutex_unlock(&roamer->roam->lock);
}

void roam_held(const struct roamer *roamer, const struct port_policy *policy,
	       struct port_policy *held)
{
	*held = *policy;
	held->nr_macs = 0;
	for (uint32_t i = 0; i < policy->nr_macs; i++) {
		int place = place_of(roamer, key_of(&policy->macs[i]));

		if (place >= 0 && holds(roamer, place))
			held->macs[held->nr_macs++] = policy->macs[i];
	}
}

/* Return: the port that sent from the address last, NULL = none that may have it now. Locked. */
static struct roamer *last_sender(struct roam *roam, uint64_t key, uint64_t now_us)
{
	struct roamer *roamer, *last = NULL;
	uint64_t last_sent = 0;

	LIST_FOREACH (roamer, &roam->roamers, link) {
		int place = place_of(roamer, key);
		uint64_t sent = place < 0 ? 0 : atomic_load(&roamer->sent[place]), free_us;

		if (!sent)
			continue;
		free_us = roamer->gained_us[place] + roamer->pause_us[place];
		if (now_us < free_us) {
			roam->due_us = RTE_MIN(roam->due_us, free_us);
		} else if (sent > last_sent) {
			last_sent = sent;
			last = roamer;
		}
	}
	return last;
}

static void gain(struct roamer *roamer, int place, uint64_t now_us)
{
	uint64_t *pause_us = &roamer->pause_us[place];

	if (now_us - roamer->gained_us[place] > FORGET_US)
		*pause_us = 0;
	*pause_us = *pause_us ? RTE_MIN(*pause_us * 2, PAUSE_MAX_US) : PAUSE_MIN_US;
	roamer->gained_us[place] = now_us;
}

/* Every port that lists the address learns whether it holds it. @to: NULL = the wire has it. Locked. */
static void move(struct roam *roam, uint64_t key, const struct roamer *to)
{
	struct roamer *roamer;

	LIST_FOREACH (roamer, &roam->roamers, link) {
		int place = place_of(roamer, key);
		uint64_t bit = UINT64_C(1) << (place & 63), held;
		bool on = to && same_vif(roamer, to);

		if (place < 0)
			continue;
		atomic_store(&roamer->sent[place], 0);
		atomic_fetch_and(&roamer->left, ~bit);
		held = on ? atomic_fetch_or(&roamer->held, bit) :
			    atomic_fetch_and(&roamer->held, ~bit);
		/* who loses it first: an address is in one table entry, and in one filter */
		if (!on && held & bit)
			roamer->changed(roamer);
	}
	LIST_FOREACH (roamer, &roam->roamers, link)
		if (to && same_vif(roamer, to) && place_of(roamer, key) >= 0)
			roamer->changed(roamer);
}

static void log_move(uint64_t key, const struct roamer *to)
{
	struct rte_ether_addr mac = mac_of(key);

	if (to)
		log_debug(RTE_ETHER_ADDR_PRT_FMT ": sent by " RTE_ETHER_ADDR_PRT_FMT,
			  RTE_ETHER_ADDR_BYTES(&mac), RTE_ETHER_ADDR_BYTES(&to->mac));
	else
		log_debug(RTE_ETHER_ADDR_PRT_FMT ": sent by the wire", RTE_ETHER_ADDR_BYTES(&mac));
}

/* What was noted of one address of one port. Locked. */
static void follow(struct roamer *roamer, int place, uint64_t now_us)
{
	uint64_t key = atomic_load(&roamer->macs[place]);
	struct roamer *to = NULL;

	if (atomic_load(&roamer->sent[place])) {
		to = last_sender(roamer->roam, key, now_us);
		if (!to)
			return;
		gain(to, place_of(to, key), now_us);
	} else if (!(atomic_load(&roamer->left) >> place & 1) || !holds(roamer, place)) {
		return;
	}
	log_move(key, to);
	move(roamer->roam, key, to);
}

uint64_t roam_update(struct roam *roam, uint64_t now_us)
{
	struct roamer *roamer;

	if (!atomic_exchange(&roam->noted, false) && now_us < roam->due_us)
		return roam->due_us;
	pthread_mutex_lock(&roam->lock);
	roam->due_us = UINT64_MAX;
	LIST_FOREACH (roamer, &roam->roamers, link)
		for (int place = 0; place < (int)MACS_MAX; place++)
			if (atomic_load(&roamer->used) >> place & 1)
				follow(roamer, place, now_us);
	pthread_mutex_unlock(&roam->lock);
	return roam->due_us;
}

bool roam_lists(const struct roamer *roamer, const struct rte_ether_addr *mac)
{
	return place_of(roamer, key_of(mac)) >= 0;
}

/* FNV-1a */
static uint64_t print_of(const struct rte_mbuf *frame)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint16_t nr = RTE_MIN(frame->data_len, PRINT_BYTES);
	uint64_t print = UINT64_C(0xcbf29ce484222325);

	for (uint16_t i = 0; i < nr; i++)
		print = (print ^ bytes[i]) * UINT64_C(0x100000001b3);
	return print;
}

static void keep_echo(struct roam_echo *echo, const struct rte_mbuf *frame)
{
	uint32_t i = atomic_fetch_add_explicit(&echo->nr, 1, RELAXED) % ROAM_ECHOES;

	atomic_store_explicit(&echo->print[i], print_of(frame), RELAXED);
	atomic_store_explicit(&echo->at[i], rte_get_timer_cycles(), RELAXED);
}

void roam_note_sent(struct roamer *roamer, struct roam_echo *echo, struct rte_mbuf **pkts,
		    uint16_t nr)
{
	for (uint16_t i = 0; i < nr; i++) {
		const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkts[i], const void *);
		int place = rte_is_same_ether_addr(&eth->src_addr, &roamer->mac) ?
				    -1 :
				    place_of(roamer, key_of(&eth->src_addr));
		uint64_t bit = UINT64_C(1) << (place & 63);

		if (place < 0)
			continue;
		if (rte_is_multicast_ether_addr(&eth->dst_addr))
			keep_echo(echo, pkts[i]);
		if ((holds(roamer, place) &&
		     !(atomic_load_explicit(&roamer->left, RELAXED) & bit)) ||
		    atomic_load_explicit(&roamer->sent[place], RELAXED))
			continue;
		atomic_fetch_and(&roamer->left, ~bit);
		atomic_store(&roamer->sent[place], atomic_fetch_add(&roamer->roam->serial, 1) + 1);
		note(roamer->roam);
	}
}

void roam_wire_sent(struct roamer *roamer, const struct rte_ether_addr *mac)
{
	int place = place_of(roamer, key_of(mac));
	uint64_t bit = UINT64_C(1) << (place & 63);

	if (place < 0 || atomic_load_explicit(&roamer->left, RELAXED) & bit)
		return;
	if (!holds(roamer, place) && !atomic_load_explicit(&roamer->sent[place], RELAXED))
		return;
	atomic_store(&roamer->sent[place], 0);
	atomic_fetch_or(&roamer->left, bit);
	note(roamer->roam);
}

bool roam_is_echo(const struct roam_echo *echo, const struct rte_mbuf *frame)
{
	uint32_t nr = atomic_load_explicit(&echo->nr, RELAXED);
	uint64_t print, now;

	if (likely(!nr))
		return false;
	print = print_of(frame);
	now = rte_get_timer_cycles();
	for (uint32_t i = 0; i < RTE_MIN(nr, ROAM_ECHOES); i++)
		if (atomic_load_explicit(&echo->print[i], RELAXED) == print &&
		    now - atomic_load_explicit(&echo->at[i], RELAXED) < rte_get_timer_hz())
			return true;
	return false;
}
