/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/interrupt.c */
/* wraps: rte_eth_dev_rx_intr_ctl_q_get_fd rte_eth_dev_rx_intr_enable rte_eth_dev_rx_intr_disable */
/* A queue's receive interrupt: when the worker may sleep until it comes. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "port/eth/interrupt.h"

#define PORT 3
#define QUEUE 1

static struct interrupt interrupt;
static int device_fd, raise_fd;
static unsigned int enabled, disabled;
static int enable_result;

int __wrap_rte_eth_dev_rx_intr_ctl_q_get_fd(uint16_t port_id, uint16_t queue);
int __wrap_rte_eth_dev_rx_intr_enable(uint16_t port_id, uint16_t queue);
int __wrap_rte_eth_dev_rx_intr_disable(uint16_t port_id, uint16_t queue);

int __wrap_rte_eth_dev_rx_intr_ctl_q_get_fd(uint16_t port_id, uint16_t queue)
{
	assert_int_equal(port_id, PORT);
	assert_int_equal(queue, QUEUE);
	return device_fd;
}

int __wrap_rte_eth_dev_rx_intr_enable(uint16_t port_id, uint16_t queue)
{
	(void)port_id;
	(void)queue;
	/* a driver may forget at "disable" what has happened */
	assert_int_equal(disabled, ++enabled);
	return enable_result;
}

int __wrap_rte_eth_dev_rx_intr_disable(uint16_t port_id, uint16_t queue)
{
	(void)port_id;
	(void)queue;
	disabled++;
	return 0;
}

static bool is_readable(void)
{
	struct pollfd ready = { .fd = device_fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

/* One descriptor for both ends, as vfio's */
static int vfio(void **state)
{
	(void)state;
	device_fd = raise_fd = eventfd(0, EFD_NONBLOCK);
	enabled = disabled = 0;
	enable_result = 0;
	interrupt_open(&interrupt, PORT, QUEUE, true);
	return device_fd < 0;
}

/* uio's hands out 4 bytes: a pipe with as many */
static int uio(void **state)
{
	int ends[2];

	if (vfio(state) || pipe(ends) < 0)
		return -1;
	close(device_fd);
	device_fd = ends[0];
	raise_fd = ends[1];
	interrupt_open(&interrupt, PORT, QUEUE, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(device_fd);
	if (raise_fd != device_fd)
		close(raise_fd);
	return 0;
}

static void raise_interrupt(void)
{
	uint64_t one = 1;
	size_t bytes = raise_fd == device_fd ? sizeof(one) : sizeof(uint32_t);

	assert_int_equal(write(raise_fd, &one, bytes), bytes);
}

static void the_first_interrupt_is_the_proof(void **state)
{
	(void)state;
	assert_false(interrupt_arm(&interrupt));
	assert_false(interrupt_arm(&interrupt));
	raise_interrupt();
	assert_true(interrupt_arm(&interrupt));
	assert_false(is_readable());
	assert_true(interrupt_arm(&interrupt));
}

static void armed_interrupt_is_left_alone_until_it_comes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		interrupt_arm(&interrupt);
	assert_int_equal(enabled, 1);
	raise_interrupt();
	for (unsigned int i = 0; i < 5; i++)
		interrupt_arm(&interrupt);
	assert_int_equal(enabled, 2);
}

static void interrupt_that_cannot_be_allowed_is_not_waited_for(void **state)
{
	(void)state;
	enable_result = -EIO;
	raise_interrupt();
	assert_false(interrupt_arm(&interrupt));
	enable_result = 0;
	assert_true(interrupt_arm(&interrupt));
}

static void queue_without_one_is_polled(void **state)
{
	(void)state;
	interrupt_open(&interrupt, PORT, QUEUE, false);
	assert_int_equal(interrupt.fd, -1);
	assert_false(interrupt_arm(&interrupt));
	assert_int_equal(enabled, 0);
}

#define fact(name, kind)                                                                           \
	{                                                                                          \
#name " " #kind, name, kind, end, NULL                                             \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(the_first_interrupt_is_the_proof, vfio),
		fact(the_first_interrupt_is_the_proof, uio),
		fact(armed_interrupt_is_left_alone_until_it_comes, vfio),
		fact(armed_interrupt_is_left_alone_until_it_comes, uio),
		fact(interrupt_that_cannot_be_allowed_is_not_waited_for, vfio),
		fact(queue_without_one_is_polled, vfio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
