/* SPDX-License-Identifier: BSD-3-Clause */
#include "fair.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ring.h>

#include "port/offload.h"

/* Queues that are open, or closed and not empty yet. */
#define FAIR_QUEUES_MAX 2048u
#define SLOT_WORDS (FAIR_QUEUES_MAX / 64)

/* Bytes per round for each unit of weight: two large frames for the default weight. */
#define QUANTUM_BYTES 192u

/* A wire with a rate may send this much at once after a pause. */
#define BURST_US 4000u
#define BURST_BYTES_MIN 131072.0

/* A sender with a guaranteed rate may catch up on this much at once after a pause. */
#define CATCH_UP_US 10000.0
#define CATCH_UP_BYTES_MIN 3028.0

/*
 * struct fair_queue
 * @put_bytes:   who puts: w, all: r
 * @taken_bytes: who takes: w, all: r; follows @put_bytes
 * @closed:      control: nobody puts any more
 * @line_bytes:  who takes: w, all: r; bytes of the line that were taken
 * @deficit:     who takes: bytes it may still send this round
 * @kbps:        control: w, who takes: r; guaranteed rate, 0 = none
 * @owed:        who takes: bytes that the guarantee still owes it, below 0 = it had more
 * @owed_at:     who takes: time of @owed, cycles
 */
struct fair_queue {
	struct fair *fair;
	uint32_t slot;
	_Atomic uint32_t weight;
	bool closed;
	struct rte_ring *ring;
	_Atomic uint64_t put_bytes;
	_Atomic uint64_t taken_bytes;
	_Atomic uint64_t line_bytes;
	uint64_t deficit;
	_Atomic uint32_t kbps;
	double owed;
	uint64_t owed_at;
};

/*
 * struct fair
 * @barrier: see fair_create()
 * @queues:  control: w, who takes: r
 * @busy:    who puts: set, who takes: clear
 * @guaranteed: control: w, who takes: r; queues with a guaranteed rate
 * @current: who takes: whose turn it is, NULL = the next after @cursor
 * @kbps, @share_kbps: control: w, who takes: r; most that is taken, 0 = no limit
 * @credit, @filled: who takes; bytes of the line that may be taken, when they were earned
 */
struct fair {
	void (*barrier)(void);
	_Atomic(struct fair_queue *) queues[FAIR_QUEUES_MAX];
	_Atomic uint64_t busy[SLOT_WORDS];
	_Atomic uint64_t guaranteed[SLOT_WORDS];
	_Atomic uint32_t nr_words; /* of busy, ever used */
	struct fair_queue *current;
	uint32_t cursor;
	_Atomic uint32_t kbps, share_kbps;
	double credit;
	uint64_t filled;
};

struct fair *fair_create(void (*barrier)(void))
{
	struct fair *fair = calloc(1, sizeof(*fair));

	if (fair)
		fair->barrier = barrier;
	return fair;
}

void fair_set_rate(struct fair *fair, uint32_t mbps)
{
	atomic_store(&fair->kbps, mbps * 1000);
	fair->filled = rte_get_timer_cycles();
}

void fair_set_share(struct fair *fair, uint32_t kbps)
{
	atomic_store_explicit(&fair->share_kbps, kbps, memory_order_relaxed);
}

/* The lower of both limits, 0 = there is none. */
static uint32_t limit_of(const struct fair *fair)
{
	uint32_t kbps = atomic_load_explicit(&fair->kbps, memory_order_relaxed);
	uint32_t share = atomic_load_explicit(&fair->share_kbps, memory_order_relaxed);

	return share && (!kbps || share < kbps) ? share : kbps;
}

static _Atomic uint64_t *busy_word(struct fair_queue *queue)
{
	return &queue->fair->busy[queue->slot / 64];
}

static _Atomic uint64_t *guaranteed_word(struct fair_queue *queue)
{
	return &queue->fair->guaranteed[queue->slot / 64];
}

static uint64_t busy_bit(const struct fair_queue *queue)
{
	return UINT64_C(1) << (queue->slot % 64);
}

static void queue_free(struct fair_queue *queue)
{
	void *frame;

	while (rte_ring_dequeue(queue->ring, &frame) == 0)
		rte_pktmbuf_free(frame);
	free(queue->ring);
	free(queue);
}

void fair_destroy(struct fair *fair)
{
	if (!fair)
		return;
	for (uint32_t i = 0; i < FAIR_QUEUES_MAX; i++)
		if (fair->queues[i])
			queue_free(fair->queues[i]);
	free(fair);
}

/* Free closed queues that are empty; after the barrier the worker that takes does not use them. */
static void reclaim(struct fair *fair)
{
	struct fair_queue *old[FAIR_QUEUES_MAX];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < FAIR_QUEUES_MAX; i++) {
		struct fair_queue *queue = atomic_load(&fair->queues[i]);

		if (!queue || !queue->closed || !fair_is_empty(queue))
			continue;
		atomic_store(&fair->queues[i], NULL);
		old[nr++] = queue;
	}
	if (nr == 0)
		return;
	fair->barrier();
	for (uint32_t i = 0; i < nr; i++) {
		atomic_fetch_and(busy_word(old[i]), ~busy_bit(old[i]));
		atomic_fetch_and(guaranteed_word(old[i]), ~busy_bit(old[i]));
		queue_free(old[i]);
	}
}

static int slot_find(struct fair *fair)
{
	for (uint32_t i = 0; i < FAIR_QUEUES_MAX; i++)
		if (!atomic_load(&fair->queues[i]))
			return (int)i;
	return -ENOSPC;
}

/* Make a ring in ordinary memory: DPDK has few named ones, and nobody looks for it by name. */
static struct rte_ring *ring_create(void)
{
	const unsigned int flags = RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ;
	ssize_t bytes = rte_ring_get_memsize(rte_align32pow2(FAIR_QUEUE_FRAMES + 1));
	struct rte_ring *ring = bytes < 0 ? NULL : aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);

	if (ring && rte_ring_init(ring, "fair", FAIR_QUEUE_FRAMES, flags) < 0) {
		free(ring);
		return NULL;
	}
	return ring;
}

struct fair_queue *fair_queue_open(struct fair *fair)
{
	struct fair_queue *queue;
	int slot;

	reclaim(fair);
	slot = slot_find(fair);
	if (slot < 0) {
		errno = -slot;
		return NULL;
	}
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	queue->ring = ring_create();
	if (!queue->ring) {
		free(queue);
		errno = ENOMEM;
		return NULL;
	}
	queue->fair = fair;
	queue->slot = (uint32_t)slot;
	queue->weight = FAIR_WEIGHT_DEFAULT;
	atomic_store(&fair->queues[slot], queue);
	if (queue->slot / 64 >= fair->nr_words)
		atomic_store(&fair->nr_words, queue->slot / 64 + 1);
	return queue;
}

/* Frames are visible by now: either we see the bit cleared, or the worker that clears it sees them. */
static void set_busy(struct fair_queue *queue)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!(atomic_load_explicit(busy_word(queue), memory_order_relaxed) & busy_bit(queue)))
		atomic_fetch_or(busy_word(queue), busy_bit(queue));
}

void fair_queue_close(struct fair_queue *queue)
{
	if (!queue)
		return;
	queue->closed = true;
	reclaim(queue->fair);
}

void fair_set_weight(struct fair_queue *queue, uint32_t weight)
{
	weight = RTE_MAX(RTE_MIN(weight, FAIR_WEIGHT_MAX), FAIR_WEIGHT_MIN);
	atomic_store_explicit(&queue->weight, weight, memory_order_relaxed);
}

void fair_set_guarantee(struct fair_queue *queue, uint32_t kbps)
{
	if (atomic_exchange(&queue->kbps, kbps) == kbps)
		return;
	if (kbps)
		atomic_fetch_or(guaranteed_word(queue), busy_bit(queue));
	else
		atomic_fetch_and(guaranteed_word(queue), ~busy_bit(queue));
}

static uint64_t held_bytes(const struct fair_queue *queue)
{
	/* the following counter first, or more might seem to be taken than was put */
	uint64_t taken = atomic_load_explicit(&queue->taken_bytes, memory_order_acquire);

	return atomic_load_explicit(&queue->put_bytes, memory_order_acquire) - taken;
}

bool fair_has_room(const struct fair_queue *queue)
{
	return held_bytes(queue) < FAIR_QUEUE_BYTES && !rte_ring_full(queue->ring);
}

bool fair_is_empty(const struct fair_queue *queue)
{
	return held_bytes(queue) == 0;
}

uint64_t fair_line_bytes(const struct fair_queue *queue)
{
	return atomic_load_explicit(&queue->line_bytes, memory_order_relaxed);
}

uint16_t fair_put(struct fair_queue *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint64_t held = held_bytes(queue), bytes = 0;
	uint16_t fit = 0;

	/* count them before they can be taken */
	nr = (uint16_t)RTE_MIN(nr, rte_ring_free_count(queue->ring));
	while (fit < nr && held + bytes < FAIR_QUEUE_BYTES)
		bytes += offload_wire_bytes(pkts[fit++]);
	if (fit == 0)
		return 0;
	atomic_fetch_add_explicit(&queue->put_bytes, bytes, memory_order_release);
	rte_ring_enqueue_bulk(queue->ring, (void **)pkts, fit, NULL);
	set_busy(queue);
	return fit;
}

/* Find the first queue from slot @from on that has frames. Return: NULL = none */
static struct fair_queue *busy_from(struct fair *fair, uint32_t from)
{
	uint32_t nr_words = atomic_load_explicit(&fair->nr_words, memory_order_acquire);
	uint64_t mask = ~UINT64_C(0) << (from % 64);

	for (uint32_t i = from / 64; i < nr_words; i++, mask = ~UINT64_C(0)) {
		uint64_t word = atomic_load_explicit(&fair->busy[i], memory_order_acquire) & mask;

		for (; word; word &= word - 1) {
			struct fair_queue *queue = atomic_load_explicit(
				&fair->queues[i * 64 + rte_bsf64(word)], memory_order_acquire);

			if (queue)
				return queue;
		}
	}
	return NULL;
}

/* Whose turn is it? A new turn earns a quantum. */
static struct fair_queue *queue_in_turn(struct fair *fair)
{
	struct fair_queue *queue = fair->current;

	if (queue)
		return queue;
	queue = busy_from(fair, fair->cursor);
	if (!queue && fair->cursor)
		queue = busy_from(fair, 0);
	if (!queue)
		return NULL;
	fair->current = queue;
	fair->cursor = (queue->slot + 1) % FAIR_QUEUES_MAX;
	queue->deficit += QUANTUM_BYTES *
			  (uint64_t)atomic_load_explicit(&queue->weight, memory_order_relaxed);
	return queue;
}

static void count_line(struct fair_queue *queue, struct rte_mbuf *const *pkts, uint16_t nr)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < nr; i++)
		sum += offload_line_bytes(pkts[i]);
	atomic_store_explicit(&queue->line_bytes, fair_line_bytes(queue) + sum,
			      memory_order_relaxed);
}

/* Take up to @nr frames of one queue, as far as its deficit allows. */
static uint16_t queue_take(struct fair_queue *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint64_t bytes = 0;
	uint16_t may = 0;

	nr = (uint16_t)rte_ring_dequeue_burst_start(queue->ring, (void **)pkts, nr, NULL);
	while (may < nr && bytes + offload_wire_bytes(pkts[may]) <= queue->deficit)
		bytes += offload_wire_bytes(pkts[may++]);
	rte_ring_dequeue_finish(queue->ring, may);
	count_line(queue, pkts, may);
	queue->deficit -= bytes;
	/* bytes of its turn count towards the guarantee; more than was owed is no advance */
	if (queue->owed > 0)
		queue->owed = RTE_MAX(queue->owed - (double)bytes, 0.0);
	atomic_fetch_add_explicit(&queue->taken_bytes, bytes, memory_order_release);
	return may;
}

/* Add to @owed the bytes that the guarantee has earned since. */
static void guarantee_fill(struct fair_queue *queue, uint64_t now)
{
	double bytes_a_us = atomic_load_explicit(&queue->kbps, memory_order_relaxed) / 8000.0;
	double most = RTE_MAX(bytes_a_us * CATCH_UP_US, CATCH_UP_BYTES_MIN);

	queue->owed +=
		(double)(now - queue->owed_at) * 1e6 / (double)rte_get_timer_hz() * bytes_a_us;
	queue->owed = RTE_MIN(queue->owed, most);
	queue->owed_at = now;
}

/* Take up to @nr frames of one queue, while it is owed something. */
static uint16_t guarantee_take(struct fair_queue *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint64_t bytes = 0;
	uint16_t may = 0;

	nr = (uint16_t)rte_ring_dequeue_burst_start(queue->ring, (void **)pkts, nr, NULL);
	while (may < nr && queue->owed > 0) {
		uint32_t length = offload_wire_bytes(pkts[may++]);

		queue->owed -= length;
		bytes += length;
	}
	rte_ring_dequeue_finish(queue->ring, may);
	count_line(queue, pkts, may);
	atomic_fetch_add_explicit(&queue->taken_bytes, bytes, memory_order_release);
	return may;
}

/* Before all turns: take from queues that wait and have had less than their guarantee. */
static uint16_t take_guaranteed(struct fair *fair, struct rte_mbuf **pkts, uint16_t nr)
{
	uint32_t nr_words = atomic_load_explicit(&fair->nr_words, memory_order_acquire);
	uint64_t now = 0;
	uint16_t taken = 0;

	for (uint32_t i = 0; i < nr_words; i++) {
		uint64_t word = atomic_load_explicit(&fair->guaranteed[i], memory_order_acquire);

		for (; word && taken < nr; word &= word - 1) {
			struct fair_queue *queue = atomic_load_explicit(
				&fair->queues[i * 64 + rte_bsf64(word)], memory_order_acquire);

			if (!queue)
				continue;
			now = now ? now : rte_get_timer_cycles();
			guarantee_fill(queue, now);
			taken += guarantee_take(queue, pkts + taken, nr - taken);
		}
	}
	return taken;
}

/* The queue is empty: it loses its turn, and its bit unless frames have just been put. */
static void queue_rest(struct fair_queue *queue)
{
	queue->deficit = 0;
	atomic_fetch_and(busy_word(queue), ~busy_bit(queue));
	atomic_thread_fence(memory_order_seq_cst);
	if (!rte_ring_empty(queue->ring))
		atomic_fetch_or(busy_word(queue), busy_bit(queue));
}

/* Return: false: the wire's rate is used up for now */
static bool has_credit(struct fair *fair)
{
	double bytes_a_us = limit_of(fair) / 8000.0;
	double most = RTE_MAX(bytes_a_us * BURST_US, BURST_BYTES_MIN);
	uint64_t now;

	if (bytes_a_us <= 0) {
		/* a limit begins with a full burst */
		fair->credit = 0;
		fair->filled = 0;
		return true;
	}
	now = rte_get_timer_cycles();
	fair->credit +=
		(double)(now - fair->filled) * 1e6 / (double)rte_get_timer_hz() * bytes_a_us;
	fair->credit = RTE_MIN(fair->credit, most);
	fair->filled = now;
	return fair->credit > 0;
}

bool fair_is_paused(const struct fair *fair)
{
	return limit_of(fair) && fair->credit <= 0;
}

uint16_t fair_take(struct fair *fair, struct rte_mbuf **pkts, uint16_t nr)
{
	struct fair_queue *queue;
	uint16_t taken = 0;

	if (!has_credit(fair))
		return 0;
	taken = take_guaranteed(fair, pkts, nr);
	while (taken < nr && (queue = queue_in_turn(fair))) {
		taken += queue_take(queue, pkts + taken, nr - taken);
		if (rte_ring_empty(queue->ring)) {
			fair->current = NULL;
			queue_rest(queue);
		} else if (taken < nr) {
			fair->current = NULL;
		}
	}
	for (uint16_t i = 0; i < taken; i++)
		fair->credit -= offload_line_bytes(pkts[i]);
	return taken;
}
