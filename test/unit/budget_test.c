/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* wraps: log_write */
/* What one guest can cost xenstored and the control thread, and who does not wait for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "security_fixture.h"
#include "vif/vif.h"

#define FOR_US (20 * SECOND_US)
#define STEP_US 500u
#define REQUESTS_PER_S 200u

static uint32_t log_lines;

void __wrap_log_write(enum log_level level, const char *tag, const char *fmt, ...);
void __wrap_log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	(void)tag;
	(void)fmt;
	log_lines += level <= LOG_LEVEL_INFO;
}

static void go_on(void (*something)(uint32_t i), uint64_t for_us)
{
	uint64_t end_us = fake_host.now_us + for_us;

	for (uint32_t i = 0; fake_host.now_us < end_us; i++) {
		something(i);
		host_run();
		fake_host.now_us += STEP_US;
	}
}

/* Requests a second while the guest does @something each half millisecond, after its burst. */
static uint64_t rate_of(void (*something)(uint32_t i))
{
	uint64_t before;

	go_on(something, FOR_US);
	before = fake_xs_requests;
	go_on(something, FOR_US);
	return (fake_xs_requests - before) * SECOND_US / FOR_US;
}

static void flap(uint32_t i)
{
	host_front_state(HOSTILE, i % 2 ? 1 : 6);
}

static void flap_between_connected_and_closed(uint32_t i)
{
	static const int states[] = { 1, 4, 5, 6 };

	host_front_state(HOSTILE, states[i % 4]);
}

static void pull_the_cable(uint32_t i)
{
	host_front_key(HOSTILE, "disconnect", i % 2 ? "1" : "0");
}

static void wish(uint32_t i)
{
	static const char *const keys[] = { "request-multicast-control", "xdp-headroom",
					    "capability", "capability-ack" };
	char value[64];

	snprintf(value, sizeof(value), i % 3 ? "%u" : "version=1 generation=%u", i % 1000 + 1);
	host_front_key(HOSTILE, keys[i % 4], value);
}

static void touch_the_folder(uint32_t i)
{
	(void)i;
	fake_xs_event("/local/domain/7/device/vif/0", "frontend:7:0");
	fake_xs_event("/local/domain/7", "frontend:7:0");
}

static void flap_sixteen_vifs(uint32_t i)
{
	for (uint32_t handle = 0; handle < 16; handle++)
		front_of(handle, "state", i % 2 ? "1" : "6");
}

static void a_guest_costs_xenstored_a_bounded_number_of_requests(void **state)
{
	void (*const all[])(uint32_t i) = { flap, flap_between_connected_and_closed, pull_the_cable,
					    wish, touch_the_folder };

	(void)state;
	for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fake_host.now_us += 60 * SECOND_US;
		host_front_state(HOSTILE, 1);
		host_settle();
		host_front_state(HOSTILE, 4);
		host_settle();
		assert_int_equal(host_back_state(HOSTILE), 4);
		/* it is served all the while, at its own pace */
		assert_in_range(rate_of(all[i]), 2, REQUESTS_PER_S);
	}
	assert_neighbour_unharmed();
}

static void sixteen_vifs_are_one_guest(void **state)
{
	(void)state;
	for (uint32_t handle = 1; handle < 16; handle++)
		add_vif(handle);
	host_settle();
	assert_in_range(rate_of(flap_sixteen_vifs), 20, REQUESTS_PER_S);
	assert_neighbour_unharmed();
}

/* Ordinary life fits into the burst: nothing of it waits. */
static void sixteen_vifs_connect_at_once(void **state)
{
	(void)state;
	for (uint32_t handle = 1; handle < 16; handle++)
		add_vif(handle);
	host_settle();
	for (uint32_t handle = 1; handle < 16; handle++)
		for (uint32_t step = 0; step < 4; step++) {
			front_of(handle, "state", step % 2 ? "1" : "6");
			host_settle();
			assert_int_equal(vifs_find(fake_host.vifs, HOSTILE, handle)->asked, 0);
		}
}

/* The store is spared as well: what is not watched costs it no event. */
static void guest_that_writes_without_pause_is_not_listened_to(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, HOSTILE, 0);
	uint32_t heard = 0, watches = fake_xs_watches();

	(void)state;
	for (uint32_t i = 0; i < 40000; i++) {
		heard += !vif->deaf;
		fake_xs_put(FRONT "of-its-own", "%u", i);
		host_run();
		fake_host.now_us += 100;
	}
	/* four seconds' worth at most: its burst, and what it earned since */
	assert_in_range(heard, 1000, 9000);
	host_front_state(HOSTILE, 6);
	fake_host.now_us += 3 * SECOND_US;
	for (uint32_t i = 0; i < 3; i++)
		host_run();
	assert_int_equal(fake_xs_watches(), watches);
	assert_int_equal(host_back_state(HOSTILE), 6);
}

static void exhaust(void)
{
	struct vif *vif = vifs_find(fake_host.vifs, HOSTILE, 0);

	for (uint32_t i = 0; budget_due_us(vif->budget, fake_host.now_us) <= fake_host.now_us;
	     i++) {
		assert_true(i < 10000);
		flap(i);
		host_run();
	}
}

static void toolstack_does_not_wait_for_a_guest_that_has_used_up_its_budget(void **state)
{
	struct vif *vif;

	(void)state;
	exhaust();
	fake_xs_put(HOST_BACK "7/0/policy/mtu", "1400");
	host_run();
	vif = vifs_find(fake_host.vifs, HOSTILE, 0);
	assert_int_equal(vif->stale & STALE_STATE, 0);
	host_front_state(HOSTILE, 6);
	fake_xs_put(HOST_BACK "7/0/online", "0");
	fake_xs_put(HOST_BACK "7/0/state", "5");
	host_run();
	assert_int_equal(host_back_state(HOSTILE), 6);
	fake_xs_remove(HOST_BACK "7/0");
	host_run();
	assert_null(vifs_find(fake_host.vifs, HOSTILE, 0));
}

static void another_guest_connects_at_once_beside_one_that_flaps(void **state)
{
	struct guest *third;

	(void)state;
	exhaust();
	third = host_connect(9);
	assert_int_equal(host_back_state(9), 4);
	fake_host.dead = 9;
	fake_xs_remove(HOST_BACK "9");
	host_settle();
	third->path = NULL;
	guest_free(third);
}

static void guest_that_waited_is_served_within_seconds(void **state)
{
	(void)state;
	exhaust();
	host_front_state(HOSTILE, 6);
	host_run();
	for (uint32_t i = 0; i < 100 && host_back_state(HOSTILE) != 6; i++) {
		fake_host.now_us += SECOND_US / 20;
		host_run();
	}
	assert_int_equal(host_back_state(HOSTILE), 6);
}

static void log_lines_of_a_guest_are_limited_whatever_it_flaps(void **state)
{
	void (*const all[])(uint32_t i) = { flap, flap_between_connected_and_closed, pull_the_cable,
					    wish };

	uint64_t since_us = clock_us();

	(void)state;
	log_lines = 0;
	for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fake_host.now_us += 60 * SECOND_US;
		host_front_state(HOSTILE, 1);
		host_settle();
		host_front_state(HOSTILE, 4);
		host_settle();
		rate_of(all[i]);
	}
	/* two bursts; then, by the limit's own clock, less than one a second */
	assert_in_range(log_lines, 1, 20 + (clock_us() - since_us) / SECOND_US);
}

static const struct port_ops *fast_ops;

/* As on a slow machine: an update takes milliseconds. */
static void slow_link(struct port *port, struct port_link *link)
{
	fast_ops->link_get(port, link);
	usleep(2000);
}

static struct guest *third;

/* Guest 9 has sent a message by its control ring. Return: the ring */
static struct netif_ctrl_sring *guest_sends_message(void)
{
	struct netif_ctrl_sring *ring;
	uint32_t ref;

	third = guest_new(9, 1);
	ref = guest_grant(third, false);
	ring = (void *)guest_page(third, ref);
	host_toolstack(9);
	host_settle();
	host_front_end(third);
	fake_xs_put("/local/domain/9/device/vif/0/ctrl-ring-ref", "%u", ref);
	fake_xs_put("/local/domain/9/device/vif/0/event-channel-ctrl", "500");
	host_front_state(9, 4);
	host_settle();
	assert_int_equal(host_back_state(9), 4);
	ring->entry[0].req =
		(struct netif_ctrl_request){ .type = NETIF_CTRL_GET_GREF_MAPPING_SIZE };
	ring->idx.req_prod = 1;
	return ring;
}

static void guest_9_goes(void)
{
	fake_host.dead = 9;
	fake_xs_remove(HOST_BACK "9");
	host_settle();
	third->path = NULL;
	guest_free(third);
}

/* Turns of the control thread until the message is answered; @spent: in each, the budget is used up */
static uint64_t answered_after_us(struct netif_ctrl_sring *ring, bool spent)
{
	struct vif *vif = vifs_find(fake_host.vifs, 9, 0);
	uint64_t since_us = fake_host.now_us, next_us;

	vif->budget->spent_us =
		since_us + 2 * BUDGET_BURST_US + (spent ? 5 : 0) * SECOND_US + SECOND_US / 10;
	guest_ring_ctrl(9, 500);
	for (uint32_t i = 0; i < 1000 && !ring->idx.rsp_prod; i++) {
		if (spent)
			vif->budget->spent_us = fake_host.now_us + 9 * BUDGET_BURST_US;
		next_us = host_run();
		if (!ring->idx.rsp_prod && next_us != UINT64_MAX && next_us > fake_host.now_us)
			fake_host.now_us = next_us;
	}
	assert_int_equal(ring->idx.rsp_prod, 1);
	return fake_host.now_us - since_us;
}

/* The wait has an end though each turn of the control thread costs, and the next begins on the dot. */
static void control_message_is_answered_when_the_budget_allows_it(void **state)
{
	struct netif_ctrl_sring *ring = guest_sends_message();
	struct port_ops slow_ops;

	(void)state;
	fast_ops = host_path(9)->port->ops;
	slow_ops = *fast_ops;
	slow_ops.link_get = slow_link;
	host_path(9)->port->ops = &slow_ops;
	assert_in_range(answered_after_us(ring, false), SECOND_US / 10, 2 * SECOND_US);
	host_path(9)->port->ops = fast_ops;
	guest_9_goes();
}

/* Front ends give up after 5 s. */
static void control_message_waits_for_1_s_at_most(void **state)
{
	struct netif_ctrl_sring *ring = guest_sends_message();

	(void)state;
	assert_in_range(answered_after_us(ring, true), BUDGET_ANSWER_US,
			BUDGET_ANSWER_US + SECOND_US / 10);
	guest_9_goes();
}

static void crowd_of_guests_has_a_bounded_share_too(void **state)
{
	struct budget_list all = LIST_HEAD_INITIALIZER(all);
	struct budget *budgets[200];
	uint64_t done = 0, now_us = SECOND_US;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		budgets[i] = budget_get(&all, (uint16_t)(i + 1));
	for (; now_us < 101 * SECOND_US; now_us += 1000)
		for (uint32_t i = 0; i < 200; i++)
			if (budget_due_us(budgets[i], now_us) <= now_us) {
				budget_charge(budgets[i], &all, 0, 5000, now_us);
				done += now_us > 51 * SECOND_US ? 5000 : 0;
			}
	/* of fifty seconds */
	assert_in_range(done, 5 * SECOND_US, 15 * SECOND_US);
	for (uint32_t i = 0; i < 200; i++)
		budget_put(budgets[i]);
	assert_true(LIST_EMPTY(&all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SECURE(a_guest_costs_xenstored_a_bounded_number_of_requests),
		SECURE(sixteen_vifs_are_one_guest),
		SECURE(sixteen_vifs_connect_at_once),
		SECURE(guest_that_writes_without_pause_is_not_listened_to),
		SECURE(toolstack_does_not_wait_for_a_guest_that_has_used_up_its_budget),
		SECURE(another_guest_connects_at_once_beside_one_that_flaps),
		SECURE(guest_that_waited_is_served_within_seconds),
		SECURE(log_lines_of_a_guest_are_limited_whatever_it_flaps),
		SECURE(control_message_is_answered_when_the_budget_allows_it),
		SECURE(control_message_waits_for_1_s_at_most),
		cmocka_unit_test(crowd_of_guests_has_a_bounded_share_too),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
