/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/opener.c base/thread.c */
/* Whose VF is opened and closed when many ask: a flapping guest's never stands before another's. */
#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/vif/opener.h"

#define ALL_MAX 64u

/*
 * What the opener's thread did, in order: "open vif 7.0", "close vif 7.0". It does one thing
 * for each step() that the test allows.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char did[ALL_MAX][40];
static uint32_t nr_did, allowed, waiting;
static bool fail;
static const struct port_policy policy = { .max_mbps = 77 };

static struct opener *opener;
static struct wake raise_me;

static void act(const char *what, const char *owner)
{
	pthread_mutex_lock(&lock);
	waiting++;
	pthread_cond_broadcast(&changed);
	while (!allowed)
		pthread_cond_wait(&changed, &lock);
	waiting--;
	allowed--;
	snprintf(did[nr_did++], sizeof(did[0]), "%s %s", what, owner);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* Until the thread stands at the beginning of something. */
static void wait_until_busy(void)
{
	pthread_mutex_lock(&lock);
	while (!waiting)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void step(uint32_t nr)
{
	pthread_mutex_lock(&lock);
	for (; nr; nr--) {
		uint32_t before = nr_did;

		allowed++;
		pthread_cond_broadcast(&changed);
		while (nr_did == before)
			pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
}

static void port_end(struct port *port)
{
	act("close", port->name);
	free(port);
}

static const struct port_ops ops = { .close = port_end };

static struct port *port_of(const char *owner)
{
	struct port *port = calloc(1, sizeof(*port));

	assert_non_null(port);
	port->ops = &ops;
	port->kind = PORT_VF;
	snprintf(port->name, sizeof(port->name), "%s", owner);
	return port;
}

/* nic.h */
struct port *nic_open_vf(struct nic *nic, const struct rte_ether_addr *mac,
			 const struct port_policy *policy, const char *owner)
{
	(void)nic;
	(void)mac;
	assert(policy->max_mbps == 77);
	act("open", owner);
	return fail ? NULL : port_of(owner);
}

void nic_make_vfs(struct nic *nic)
{
	assert((void *)nic == did);
	act("make", "VFs");
}

static uint64_t ask(uint16_t domid, uint16_t handle)
{
	static const struct rte_ether_addr mac;
	char owner[24];

	snprintf(owner, sizeof(owner), "vif %u.%u", domid, handle);
	return opener_open(opener, (struct nic *)did, &mac, &policy, domid, owner);
}

static int setup(void **state)
{
	(void)state;
	nr_did = allowed = waiting = 0;
	raise_me.fd = -1;
	opener = opener_start(&raise_me);
	return opener ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pthread_mutex_lock(&lock);
	allowed = ALL_MAX;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	opener_stop(opener);
	return 0;
}

static void assert_did(uint32_t which, const char *what)
{
	assert_true(which < nr_did);
	assert_string_equal(did[which], what);
}

static void what_is_cancelled_is_not_opened(void **state)
{
	uint64_t tickets[8];

	(void)state;
	ask(7, 0);
	wait_until_busy();
	for (uint32_t i = 0; i < 8; i++)
		tickets[i] = ask(7, 1);
	for (uint32_t i = 0; i < 7; i++)
		opener_cancel(opener, tickets[i]);
	opener_cancel(opener, tickets[0]); /* fine twice, and for one that never was */
	opener_cancel(opener, 12345);
	step(2);
	assert_did(0, "open vif 7.0");
	assert_did(1, "open vif 7.1");
	ask(8, 0);
	step(1);
	assert_did(2, "open vif 8.0");
}

/* Its ticket is nobody's: the caller closes what comes of it. */
static void what_is_under_way_is_finished_though_cancelled(void **state)
{
	struct opener_result result = { 0 };
	uint64_t ticket = ask(7, 0);

	(void)state;
	wait_until_busy();
	opener_cancel(opener, ticket);
	step(1);
	while (!opener_take(opener, &result))
		usleep(1000);
	assert_int_equal(result.ticket, ticket);
	assert_non_null(result.port);
	opener_close(opener, result.port);
	step(1);
	assert_did(1, "close vif 7.0");
}

static void closes_stand_before_opens(void **state)
{
	(void)state;
	ask(7, 0);
	wait_until_busy();
	for (uint16_t i = 1; i < 5; i++)
		ask(7, i);
	opener_close(opener, port_of("vif 9.0"));
	opener_close(opener, port_of("vif 9.1"));
	assert_int_equal(opener_make_vfs(opener, (struct nic *)did), 0);
	step(4);
	assert_did(1, "close vif 9.0");
	assert_did(2, "close vif 9.1");
	assert_did(3, "make VFs");
}

/* A guest of many vifs has one turn, then another guest has one. */
static void guests_take_turns(void **state)
{
	(void)state;
	ask(7, 0);
	wait_until_busy();
	for (uint16_t i = 1; i < 5; i++)
		ask(7, i);
	ask(8, 0);
	ask(9, 0);
	ask(8, 1);
	step(8);
	assert_did(1, "open vif 8.0");
	assert_did(2, "open vif 9.0");
	assert_did(3, "open vif 7.1");
	assert_did(4, "open vif 8.1");
	assert_did(5, "open vif 7.2");
	assert_did(7, "open vif 7.4");
}

/*
 * Each open takes its time. Whatever the flapping guest does, others wait for the one that is
 * under way and no more.
 */
static void flapping_guest_costs_others_one_open_at_most(void **state)
{
	(void)state;
	ask(7, 0);
	wait_until_busy();
	for (uint32_t i = 0; i < 16; i++) {
		uint64_t ticket = ask(7, (uint16_t)(i % 4));

		if (i % 4 != 3)
			opener_cancel(opener, ticket);
		opener_close(opener, port_of("vif 7.x"));
	}
	ask(8, 0);
	opener_close(opener, port_of("vif 8.1"));
	/* its own closes are work of the host's, and quick; they are in order */
	step(1 + 16 + 1 + 1);
	assert_did(17, "close vif 8.1");
	assert_did(18, "open vif 8.0");
}

#define OPENER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPENER(what_is_cancelled_is_not_opened),
		OPENER(what_is_under_way_is_finished_though_cancelled),
		OPENER(closes_stand_before_opens),
		OPENER(guests_take_turns),
		OPENER(flapping_guest_costs_others_one_open_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
