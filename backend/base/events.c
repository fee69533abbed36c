/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READERS_MAX 8u

/* the end of every line: "}\n" and the terminating 0 */
#define END_BYTES 3u

static struct {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int readers[READERS_MAX];
	unsigned int nr;
	uint64_t seq;
} events = { .fd = -1 };

int events_open(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (snprintf(events.path, sizeof(events.path), "%s/" EVENTS_SOCKET, dir) >=
	    (int)sizeof(events.path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, events.path, sizeof(address.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(events.path);
	/* nobody can connect before it listens, and then only root */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(events.path, 0600) < 0 || listen(fd, READERS_MAX) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	events.fd = fd;
	return 0;
}

static void disconnect(unsigned int which)
{
	close(events.readers[which]);
	events.readers[which] = events.readers[--events.nr];
}

void events_close(void)
{
	while (events.nr)
		disconnect(0);
	if (events.fd < 0)
		return;
	unlink(events.path);
	close(events.fd);
	events.fd = -1;
}

int events_fd(void)
{
	return events.fd;
}

/* Readers write nothing, so the end is all that there is to read. */
static void forget_gone(void)
{
	for (unsigned int i = events.nr; i-- > 0;) {
		char byte;

		if (recv(events.readers[i], &byte, 1, MSG_DONTWAIT) == 0)
			disconnect(i);
	}
}

void events_take(void)
{
	int fd;

	if (events.fd < 0)
		return;
	while ((fd = accept4(events.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		forget_gone();
		if (events.nr < READERS_MAX)
			events.readers[events.nr++] = fd;
		else
			close(fd);
	}
}

bool events_wanted(void)
{
	return events.nr > 0;
}

/* A member that does not fit as a whole is left out. */
static void add(struct event *event, const char *text, size_t len)
{
	if (event->used + len + END_BYTES > sizeof(event->text))
		return;
	memcpy(event->text + event->used, text, len);
	event->used += len;
}

void event_begin(struct event *event, const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event->used = (size_t)snprintf(
		event->text, sizeof(event->text),
		"{\"event\":\"%s\",\"seq\":%" PRIu64 ",\"time_ms\":%" PRIu64, name, ++events.seq,
		(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

void event_text(struct event *event, const char *name, const char *text)
{
	char member[EVENT_MAX];
	size_t used = (size_t)snprintf(member, sizeof(member), ",\"%s\":\"", name);

	for (; *text && used + 4 < sizeof(member); text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			member[used++] = '\\';
		member[used++] = byte < ' ' || byte >= 0x7f ? '?' : *text;
	}
	member[used++] = '"';
	add(event, member, used);
}

void event_number(struct event *event, const char *name, uint64_t number)
{
	char member[80];
	int used = snprintf(member, sizeof(member), ",\"%s\":%" PRIu64, name, number);

	if (used < (int)sizeof(member))
		add(event, member, (size_t)used);
}

void event_send(struct event *event)
{
	memcpy(event->text + event->used, "}\n", END_BYTES);
	for (unsigned int i = events.nr; i-- > 0;) {
		size_t len = event->used + 2;

		if (send(events.readers[i], event->text, len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    (ssize_t)len)
			disconnect(i);
	}
}
