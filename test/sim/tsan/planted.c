// SPDX-License-Identifier: BSD-3-Clause
/*
 * planted: two threads hand buffers over as vifd's workers do, by a ring and back by the pool. With
 * FAULT they do it wrongly, and ThreadSanitizer must say so in spite of what this folder tells it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

static const char help[] =
	"Usage: planted FAULT\n"
	"  none       no fault: no report\n"
	"  counter    both threads count in one variable\n"
	"  late       the sender writes to a buffer after it put it into the ring\n"
	"  freed      the receiver reads a buffer after it freed it\n"
	"  producers  two threads put buffers into a ring that is for one\n";

#define ROUNDS 2000u
#define BUFFERS 63u

static const char *fault;
static struct rte_ring *ring;
static struct rte_mempool *pool;
static unsigned int counted;

static bool is(const char *name)
{
	return !strcmp(fault, name);
}

static void count(void)
{
	if (is("counter"))
		counted++;
}

/* Puts a buffer into the ring, which has room for all */
static bool send_one(void)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	volatile uint8_t *data;

	if (!frame)
		return false;
	data = rte_pktmbuf_mtod(frame, volatile uint8_t *);
	for (unsigned int i = 0; i < 64; i++)
		data[i] = 1;
	rte_ring_enqueue(ring, frame);
	if (is("late"))
		data[8]++;
	count();
	return true;
}

static void *sender(void *arg)
{
	for (unsigned int sent = 0; sent < ROUNDS;)
		sent += send_one();
	return arg;
}

static bool receive_one(void)
{
	struct rte_mbuf *frame;
	volatile uint8_t *data;
	unsigned int sum = 0;

	if (rte_ring_dequeue_burst(ring, (void **)&frame, 1, NULL) == 0)
		return false;
	data = rte_pktmbuf_mtod(frame, uint8_t *);
	for (unsigned int i = 0; i < 64; i++)
		sum += data[i];
	rte_pktmbuf_free(frame);
	if (is("freed"))
		sum += data[8];
	count();
	return sum > 0;
}

static void run(void)
{
	unsigned int senders = is("producers") ? 2 : 1;
	pthread_t thread[2];

	for (unsigned int i = 0; i < senders; i++)
		pthread_create(&thread[i], NULL, sender, NULL);
	for (unsigned int got = 0; got < senders * ROUNDS;)
		got += receive_one();
	for (unsigned int i = 0; i < senders; i++)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	static char *eal[] = { "planted", "--no-huge", "--no-shconf",	   "-m", "64", "-l",
			       "0",	  "--no-pci",  "--log-level=error" };
	unsigned int mode;

	if (argc != 2) {
		fputs(help, stderr);
		return 2;
	}
	fault = argv[1];
	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 3;
	mode = is("producers") ? RING_F_SP_ENQ : RING_F_MP_RTS_ENQ;
	ring = rte_ring_create("planted", 256, SOCKET_ID_ANY, mode | RING_F_SC_DEQ);
	pool = rte_pktmbuf_pool_create("planted", BUFFERS, 0, 0, 256, SOCKET_ID_ANY);
	if (!ring || !pool)
		return 3;
	run();
	return 0;
}
