/* SPDX-License-Identifier: BSD-3-Clause */
#include "null_back.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define MASK (NETIF_RING_SIZE - 1)
#define BURST 32u

struct null_back {
	struct simguest_queue *queue;
	uint32_t cpu;
	uint32_t len;
};

static uint32_t requests(const __u32 *prod, uint32_t cons)
{
	uint32_t nr = __atomic_load_n(prod, __ATOMIC_ACQUIRE) - cons;

	return nr < BURST ? nr : BURST;
}

/* Return: the next request; *@extra: that one is extra-info, which has no id */
static uint32_t answer_tx(struct netif_tx_sring *ring, uint32_t cons, bool *extra)
{
	uint32_t end = cons + requests(&ring->idx.req_prod, cons);

	if (cons == end)
		return cons;
	for (; cons != end; cons++) {
		union netif_tx_entry *entry = &ring->entry[cons & MASK];
		uint16_t id = entry->req.id, flags = entry->req.flags;

		entry->rsp = (struct netif_tx_response){ .id = id,
							 .status = *extra ? NETIF_STATUS_NULL :
									    NETIF_STATUS_OKAY };
		*extra = !*extra && flags & NETIF_TXF_EXTRA_INFO;
	}
	__atomic_store_n(&ring->idx.rsp_prod, cons, __ATOMIC_RELEASE);
	return cons;
}

static uint32_t fill_rx(struct netif_rx_sring *ring, uint32_t cons, uint32_t len)
{
	uint32_t end = cons + requests(&ring->idx.req_prod, cons);

	if (cons == end)
		return cons;
	for (; cons != end; cons++) {
		union netif_rx_entry *entry = &ring->entry[cons & MASK];
		uint16_t id = entry->req.id;

		entry->rsp = (struct netif_rx_response){ .id = id, .status = (int16_t)len };
	}
	__atomic_store_n(&ring->idx.rsp_prod, cons, __ATOMIC_RELEASE);
	return cons;
}

static void *answer(void *arg)
{
	struct null_back *back = arg;
	uint32_t tx = 0, rx = 0;
	bool extra = false;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(back->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (;;) {
		tx = answer_tx(back->queue->txs, tx, &extra);
		if (back->len)
			rx = fill_rx(back->queue->rxs, rx, back->len);
	}
	return NULL;
}

int null_back_start(struct simguest *guest, uint32_t cpu, uint32_t len)
{
	static struct null_back back;
	pthread_t thread;
	int err;

	guest->nr_queues = 1;
	err = simguest_rings_create(guest);
	if (err)
		return err;
	back = (struct null_back){ .queue = &guest->queue[0], .cpu = cpu, .len = len };
	return -pthread_create(&thread, NULL, answer, &back);
}
