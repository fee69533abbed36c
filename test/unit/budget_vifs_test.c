/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* A guest of many vifs that is over its budget: how long each of them waits, and for what none does. */
#include <stdlib.h>
#include <unistd.h>

#include "security_fixture.h"
#include "vif/vif.h"

/* Besides the one that the fixture has connected. */
#define VIFS 8u
/* What closing a port takes on a slow machine: 2.5 s of a budget. */
#define SLOW_US 100000u
/* As often does a front end look at the back end's state; it gives up after 6 s. */
#define LOOK_US 20000u
#define GIVES_UP_US (6 * SECOND_US)

static struct port_ops slow_ops;
static void (*fast_close)(struct port *port);

static void slow_close(struct port *port)
{
	usleep(SLOW_US);
	fast_close(port);
}

static struct vif *vif_of(uint32_t handle)
{
	return vifs_find(fake_host.vifs, HOSTILE, handle);
}

static int back_of(uint32_t handle)
{
	char path[96];
	const char *state;

	snprintf(path, sizeof(path), HOST_BACK "%u/%u/state", HOSTILE, handle);
	state = fake_xs_get(path);
	return state ? atoi(state) : -1;
}

static void front_goes_to(uint32_t handle, int state)
{
	char value[4];

	snprintf(value, sizeof(value), "%d", state);
	front_of(handle, "state", value);
}

static void front_has_rings(uint32_t handle)
{
	static const char *const keys[] = { "tx-ring-ref", "rx-ring-ref" };
	char value[12];

	for (uint32_t i = 0; i < 2; i++) {
		snprintf(value, sizeof(value), "%u", guest_grant(hostile, false));
		front_of(handle, keys[i], value);
	}
	snprintf(value, sizeof(value), "%u", 600 + handle);
	front_of(handle, "event-channel", value);
	front_of(handle, "request-rx-copy", "1");
}

static void use_up_the_budget(void)
{
	vif_charge(vif_of(1), 0, 100 * SECOND_US, fake_host.now_us);
	assert_true(budget_due_us(vif_of(1)->budget, fake_host.now_us) > fake_host.now_us);
}

/* Return: how long the front end waited until the back end came to one of @states, a mask */
static uint64_t wait_for_back(uint32_t handle, uint32_t states)
{
	uint64_t since_us = fake_host.now_us;

	host_run();
	while (!(states & 1u << back_of(handle))) {
		assert_true(fake_host.now_us - since_us < 60 * SECOND_US);
		fake_host.now_us += LOOK_US;
		host_run();
	}
	return fake_host.now_us - since_us;
}

/* As a driver does that is unloaded. Return: the longest wait of its two */
static uint64_t close_vif(uint32_t handle)
{
	uint64_t first_us, second_us;

	front_goes_to(handle, 5);
	first_us = wait_for_back(handle, 1u << 5 | 1u << 6);
	front_goes_to(handle, 6);
	second_us = wait_for_back(handle, 1u << 6);
	return first_us > second_us ? first_us : second_us;
}

static void open_vif(uint32_t handle)
{
	front_goes_to(handle, 1);
	wait_for_back(handle, 1u << 2);
	front_has_rings(handle);
	front_goes_to(handle, 4);
	wait_for_back(handle, 1u << 4);
}

static int nine_vifs(void **state)
{
	if (security_setup(state))
		return -1;
	slow_ops = *host_path(HOSTILE)->port->ops;
	fast_close = slow_ops.close;
	slow_ops.close = slow_close;
	for (uint32_t handle = 1; handle <= VIFS; handle++) {
		add_vif(handle);
		host_settle();
		open_vif(handle);
		host_settle();
		vif_of(handle)->path->port->ops = &slow_ops;
	}
	return 0;
}

static void close_all(uint64_t most_us)
{
	uint64_t since_us = fake_host.now_us, wait_us;

	for (uint32_t handle = 1; handle <= VIFS; handle++) {
		wait_us = close_vif(handle);
		assert_in_range(wait_us, 0, GIVES_UP_US / 2);
		assert_null(vif_of(handle)->path);
	}
	assert_in_range(fake_host.now_us - since_us, 0, most_us);
}

static void eight_vifs_close_at_once_though_the_budget_is_used_up(void **state)
{
	(void)state;
	use_up_the_budget();
	close_all(SECOND_US);
	assert_neighbour_unharmed();
}

/* The keys of its rings are an event each, and cost it its watch no longer. */
static void vif_that_has_just_connected_closes_at_once(void **state)
{
	(void)state;
	use_up_the_budget();
	for (uint32_t handle = 1; handle <= VIFS; handle++) {
		front_of(handle, "capability-ack", "1");
		host_run();
	}
	close_all(SECOND_US);
}

/* Two looks each, which have a second each at most: all wait for one after the other, not for all. */
static void eight_vifs_connect_within_twice_as_many_seconds_whatever_they_cost(void **state)
{
	uint64_t since_us;

	(void)state;
	for (uint32_t handle = 1; handle <= VIFS; handle++)
		close_vif(handle);
	host_settle();
	since_us = fake_host.now_us;
	for (uint32_t handle = 1; handle <= VIFS; handle++) {
		use_up_the_budget();
		front_goes_to(handle, 1);
		wait_for_back(handle, 1u << 2);
		front_has_rings(handle);
		use_up_the_budget();
		front_goes_to(handle, 4);
		wait_for_back(handle, 1u << 4);
	}
	assert_in_range(fake_host.now_us - since_us, 2 * VIFS * SECOND_US,
			(2 * VIFS + 2) * SECOND_US);
}

/* Who asks all the time has his turn again when the others had theirs. */
static void vifs_of_one_guest_have_turns_in_the_order_in_which_they_asked(void **state)
{
	static const uint32_t order[] = { 5, 3, 8, 1 };
	uint32_t served = 0;

	(void)state;
	use_up_the_budget();
	for (uint32_t i = 0; i < 4; i++) {
		front_of(order[i], "disconnect", "1");
		host_run();
		fake_host.now_us += 1000;
	}
	for (uint32_t i = 0; i < 1000 && served < 4; i++) {
		host_run();
		if (vif_of(order[served])->asked & STALE_GUEST) {
			for (uint32_t n = served; n < 4; n++)
				assert_true(vif_of(order[n])->asked & STALE_GUEST);
		} else {
			use_up_the_budget();
			front_of(order[served++], "disconnect", "0");
			host_run();
		}
		fake_host.now_us += LOOK_US;
	}
	assert_int_equal(served, 4);
}

/* What gives nothing back waits: a vif may say that it closes, and then not, a few times. */
static void who_only_says_that_he_closes_waits(void **state)
{
	uint64_t since_us;
	uint32_t heard = 0;

	(void)state;
	use_up_the_budget();
	since_us = fake_host.now_us;
	for (uint32_t i = 0; i < 100; i++) {
		front_goes_to(1, i % 2 ? 4 : 5);
		host_run();
		heard += !vif_of(1)->deaf;
	}
	assert_in_range(heard, 1, BUDGET_HEARD);
	assert_null(vif_of(1)->path);
	front_goes_to(1, 4);
	assert_in_range(wait_for_back(1, 1u << 4) + fake_host.now_us - since_us, SECOND_US,
			4 * SECOND_US);
}

int main(void)
{
#define NINE(test) cmocka_unit_test_setup_teardown(test, nine_vifs, security_teardown)
	const struct CMUnitTest tests[] = {
		NINE(eight_vifs_close_at_once_though_the_budget_is_used_up),
		NINE(vif_that_has_just_connected_closes_at_once),
		NINE(eight_vifs_connect_within_twice_as_many_seconds_whatever_they_cost),
		NINE(vifs_of_one_guest_have_turns_in_the_order_in_which_they_asked),
		NINE(who_only_says_that_he_closes_waits),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
