/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/kernel/netdev.c port/kernel/silence.c port/kernel/request.c port/eth/driver.c log.c */
/* wraps: ioctl */
/* What is asked of a netdev in the kernel, and how often. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "port/kernel/netdev.h"

static bool running;
static uint32_t speed, speeds_asked;
static struct ethtool_coalesce moderation;

static int fake_ethtool(void *data)
{
	switch (*(const uint32_t *)data) {
	case ETHTOOL_GSET:
		speeds_asked++;
		ethtool_cmd_speed_set(data, speed);
		return 0;
	case ETHTOOL_GCOALESCE:
		*(struct ethtool_coalesce *)data = moderation;
		return 0;
	case ETHTOOL_SCOALESCE:
		moderation = *(const struct ethtool_coalesce *)data;
		return 0;
	default:
		errno = EOPNOTSUPP;
		return -1;
	}
}

int __wrap_ioctl(int fd, unsigned long request, struct ifreq *ifr);
int __wrap_ioctl(int fd, unsigned long request, struct ifreq *ifr)
{
	(void)fd;
	assert_string_equal(ifr->ifr_name, "vf0");
	if (request == SIOCETHTOOL)
		return fake_ethtool(ifr->ifr_data);
	assert_int_equal(request, SIOCGIFFLAGS);
	ifr->ifr_flags = running ? IFF_UP | IFF_RUNNING : IFF_UP;
	return 0;
}

/* Each question waits for a lock that the kernel has while it removes netdevs. */
static void speed_is_not_asked_at_each_look(void **state)
{
	struct netdev_speed known = { 0 };
	struct port_link link = { 0 };

	(void)state;
	running = true;
	speed = 10000;
	for (uint32_t i = 0; i < 100; i++) {
		netdev_link("vf0", &link, &known);
		assert_true(link.up);
		assert_int_equal(link.speed_mbps, 10000);
	}
	assert_int_equal(speeds_asked, 1);
	running = false;
	netdev_link("vf0", &link, &known);
	assert_false(link.up);
	assert_int_equal(link.speed_mbps, 0);
	assert_int_equal(speeds_asked, 1);
	/* it may have come back with another one */
	running = true;
	speed = 1000;
	netdev_link("vf0", &link, &known);
	assert_int_equal(link.speed_mbps, 1000);
	known.asked_us -= NETDEV_SPEED_US;
	speed = SPEED_UNKNOWN;
	netdev_link("vf0", &link, &known);
	assert_int_equal(link.speed_mbps, 0);
	assert_int_equal(speeds_asked, 3);
}

/* The kernel would look for a module of that name, while others wait for their move. */
static void netdev_that_is_gone_is_not_asked_for(void **state)
{
	struct netdev_speed known = { 0 };
	struct port_link link = { .up = true };

	(void)state;
	running = true;
	netdev_link("", &link, &known);
	assert_false(link.up);
	assert_false(netdev_is_running(""));
	assert_false(netdev_is_up(""));
	assert_int_equal(netdev_mtu(""), -ENODEV);
}

static void moderation_leaves_what_else_there_is(void **state)
{
	struct netdev_moderation was;

	(void)state;
	moderation = (struct ethtool_coalesce){ .rx_coalesce_usecs = 3,
						.use_adaptive_rx_coalesce = 1,
						.tx_coalesce_usecs = 7 };
	assert_int_equal(netdev_get_moderation("vf0", &was), 0);
	assert_int_equal(was.us, 3);
	assert_int_equal(was.adaptive, 1);
	assert_int_equal(netdev_set_moderation("vf0", &(struct netdev_moderation){ .us = 50 }), 0);
	assert_int_equal(moderation.rx_coalesce_usecs, 50);
	assert_int_equal(moderation.use_adaptive_rx_coalesce, 0);
	assert_int_equal(moderation.tx_coalesce_usecs, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speed_is_not_asked_at_each_look),
		cmocka_unit_test(netdev_that_is_gone_is_not_asked_for),
		cmocka_unit_test(moderation_leaves_what_else_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
