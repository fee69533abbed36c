/* SPDX-License-Identifier: BSD-3-Clause */
#include "runqueue.h"

#include <fcntl.h>
#include <unistd.h>

#include "text.h"

int runqueue_open(void)
{
	return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

/* "RUNNING WAITING SLICES", in ns */
uint64_t runqueue_us(int fd)
{
	char text[80];
	const char *at = text;
	ssize_t len = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	uint64_t running, waiting;

	if (len <= 0)
		return 0;
	text[len] = '\0';
	if (text_take_u64(&at, 0, UINT64_MAX, &running) || !text_take(&at, ' ') ||
	    text_take_u64(&at, 0, UINT64_MAX, &waiting))
		return 0;
	return waiting / 1000;
}
