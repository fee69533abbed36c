/* SPDX-License-Identifier: BSD-3-Clause */
/* links: dma/config_space.c log.c */
/* wraps: send */
/* Which files the child is asked for, and that it ends with us. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "dma/config_space.h"
#include "log.h"

static unsigned int asked;
static uint32_t number;

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	asked++;
	assert_int_equal(size, sizeof(number));
	memcpy(&number, bytes, sizeof(number));
	return __real_send(fd, bytes, size, flags);
}

static int start(void **state)
{
	(void)state;
	asked = 0;
	log_set_level(LOG_LEVEL_ERROR);
	config_space_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	config_space_stop();
	/* no child is left */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void only_uio_devices_by_their_number_are_asked_for(void **state)
{
	static const char *const others[] = {
		"/sys/class/uio/uio1/device/config/",
		"/sys/class/uio/uio01/device/config",
		"/sys/class/uio/uio1/device/confi",
		"/sys/class/uio/uio-1/device/config",
		"/sys/class/uio/uio99999999999/device/config",
		"/sys/class/uio/uio1/../uio1/device/config",
		"/dev/uio1",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(config_space_open(others[i]), -1);
	assert_int_equal(asked, 0);
	/* no machine has as many */
	assert_int_equal(config_space_open("/sys/class/uio/uio4000000/device/config"), -1);
	assert_int_equal(asked, 1);
	assert_int_equal(number, 4000000);
	/* it answers more than once */
	assert_int_equal(config_space_open("/sys/class/uio/uio4000001/device/config"), -1);
	assert_int_equal(asked, 2);
}

static void nobody_is_asked_once_it_is_stopped(void **state)
{
	(void)state;
	config_space_stop();
	assert_int_equal(config_space_open("/sys/class/uio/uio1/device/config"), -1);
	assert_int_equal(asked, 0);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(only_uio_devices_by_their_number_are_asked_for),
		fact(nobody_is_asked_once_it_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
