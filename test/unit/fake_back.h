/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back end for frontend/dpdk, and the guest's kernel below the driver, in the test's own thread.
 *
 * The driver is the real one, with libxenstore of fake_xs.c, and grants and event channels of
 * fake_back.c. The back end has its turn when the driver waits (usleep, poll) or rings; the driver's
 * watcher has its turn by fake_watch(), and when the driver waits without the port's life and lock. Time
 * passes by as much as the driver asks to wait, at once. A test is linked with
 *
 *	wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control
 */
#ifndef VIFD_TEST_FAKE_BACK_H
#define VIFD_TEST_FAKE_BACK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "common/ring.h"
#include "test/unit/fake_xs.h"

#define FAKE_FRONT "device/vif/0"
#define FAKE_BACK "/local/domain/0/backend/vif/3/0"
#define FAKE_QUEUES 16u
#define FAKE_REFS 65536u
#define FAKE_MESSAGES 64u
#define FAKE_MAC "00:16:3e:00:00:01"

/** struct fake_back_queue - The back end's side of a pair of rings; indices are its own */
struct fake_back_queue {
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	uint32_t tx_cons, tx_prod, rx_cons, rx_prod;
	uint32_t tx_port, rx_port;
};

/**
 * struct fake_back - What the back end has, and how it behaves
 * @answer:  its state when the front end's state is this; 0: it does nothing
 * @seen:    the front end's state that it has answered
 * @control: answers a message; false: it does not. NULL: as vifd would
 * @message: those that came, the first FAKE_MESSAGES
 * @late_ms: a message is answered so long after @sent_us, the last one's time
 * @lent:    pages that are lent for good (static grants)
 */
struct fake_back {
	uint32_t answer[9], seen;
	uint32_t nr_queues;
	struct fake_back_queue queue[FAKE_QUEUES];
	struct netif_ctrl_sring *ctrl;
	uint32_t ctrl_cons, ctrl_prod, ctrl_port;
	bool (*control)(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp);
	uint32_t nr_messages;
	struct netif_ctrl_request message[FAKE_MESSAGES];
	uint32_t lent;
	uint64_t late_ms, sent_us;
};

/** struct fake_sent - A frame that the driver sent, as its slots and its bytes */
struct fake_sent {
	uint32_t nr, nr_extras, len;
	struct netif_tx_request req[NETIF_RING_SIZE];
	struct netif_extra_info extra[4];
	uint8_t bytes[NETIF_RING_SIZE * NETIF_PAGE_SIZE];
};

extern struct fake_back fake_back;
extern struct rte_mempool *fake_pool;

/* Grants that the kernel still has; those that are there; those with write access. */
extern uint32_t fake_grants_left, fake_grants, fake_grants_writable;

/* The time, and the longest that the driver has waited with the port's lock */
extern uint64_t fake_now_us, fake_held_us;
struct xf_port;
/* Another thread's turn each time that the driver has waited, after the port was probed; or NULL */
extern void (*fake_idle)(struct xf_port *port);

/** fake_back_eal() - Start DPDK: a group's setup. Return: 0, -1 */
int fake_back_eal(void **state);

/** fake_back_new() - A vif as the toolstack and vifd leave it for a front end: a test's setup */
int fake_back_new(void **state);

/** fake_back_end() - Its opposite: the port is gone, nothing is granted, no mbuf is missing */
int fake_back_end(void **state);

/** fake_probe() - Attach net_xenfront0. @args: may be "". Return: 0 or -errno; port 0 is it */
int fake_probe(const char *args);

/** fake_run() - Attach without arguments, configure and start @queues pairs of 256 descriptors */
void fake_run(uint16_t queues);
/** fake_configure() - One queue pair of @descriptors into @pool, with offloads. Return: ethdev's */
int fake_configure(uint16_t queues, uint16_t descriptors, uint64_t rx, uint64_t tx,
		   struct rte_mempool *pool);

/** fake_back_turn() - The back end's turn: it follows the front end's state */
void fake_back_turn(void);
/** fake_watch() - The watcher's turn */
void fake_watch(void);

/** fake_page() - Return: the page of a grant. It exists */
uint8_t *fake_page(uint32_t ref);
/** fake_notified() - Return: times that the driver rang since the last call */
uint32_t fake_notified(uint32_t port);
/** fake_ring() - The back end rings */
void fake_ring(uint32_t port);

/** fake_take() - The next frame of the tx ring, checked: grants, sizes, room. Return: there was one */
bool fake_take(uint32_t queue, struct fake_sent *sent);
/** fake_answer() - To a request. @status: NETIF_STATUS_* */
void fake_answer(uint32_t queue, uint16_t id, int16_t status);
/** fake_answer_all() - To all of a frame, its extras too */
void fake_answer_all(uint32_t queue, const struct fake_sent *sent);

/** fake_put() - Into the next rx buffer: @len bytes that begin with @bytes; or a status below 0 */
void fake_put(uint32_t queue, const void *bytes, uint16_t offset, int16_t len, uint16_t flags);
void fake_put_extra(uint32_t queue, const struct netif_extra_info *extra);
/** fake_deliver() - Publish the responses */
void fake_deliver(uint32_t queue);

/** fake_key() - A number below the front end's directory; UINT32_MAX: it is not there */
uint32_t fake_key(const char *key);
uint32_t fake_state(const char *dir);
/** fake_xstat() - Of port 0; it exists */
uint64_t fake_xstat(const char *name);

#endif
