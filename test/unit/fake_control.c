/* SPDX-License-Identifier: BSD-3-Clause */
/* links: control.c */
#include "fake_control.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/control.h"

atomic_bool fake_control_paused;
pthread_t fake_control_thread;

static struct wake raise_control = { .asleep = true };
static atomic_bool ended;

static void *control_main(void *arg)
{
	struct pollfd fd = { .fd = raise_control.fd, .events = POLLIN };

	while (!ended) {
		uint64_t count;

		if (!fake_control_paused)
			control_take();
		poll(&fd, 1, 20);
		atomic_store(&raise_control.asleep, true);
		(void)!read(raise_control.fd, &count, sizeof(count));
	}
	control_stop();
	return arg;
}

int fake_control_start(void **state)
{
	(void)state;
	raise_control.fd = eventfd(0, EFD_NONBLOCK);
	fake_control_paused = ended = false;
	control_start(&raise_control);
	return pthread_create(&fake_control_thread, NULL, control_main, NULL);
}

void fake_control_end(void)
{
	if (ended)
		return;
	ended = true;
	pthread_join(fake_control_thread, NULL);
}

int fake_control_finish(void **state)
{
	(void)state;
	fake_control_end();
	close(raise_control.fd);
	return 0;
}
