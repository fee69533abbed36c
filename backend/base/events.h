/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells other programs what happens, as it happens: each event is a line of JSON, an object, and
 * everybody who is connected to a socket of the run folder reads it.
 *
 *	{"event":"moved","seq":17,"time_ms":1764436800123,"vif":"7.0","path":"vf"}
 *
 * Nobody waits for a reader: one that does not keep up is disconnected, and sees by "seq" what it
 * missed after it connects again. Only root may connect. Control thread; logs nothing.
 */
#ifndef VIFD_BASE_EVENTS_H
#define VIFD_BASE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_SOCKET "events"
#define EVENT_MAX 1024u

/** struct event - A line that is being written; what does not fit makes it end, not wrong */
struct event {
	char text[EVENT_MAX];
	size_t used;
};

/** events_open() - Make the socket @dir/events. Before privileges_confine(). Return: 0, -errno */
int events_open(const char *dir);

/** events_close() - Disconnect all and remove the socket; fine if there is none */
void events_close(void);

/** events_fd() - Readable when somebody connects; -1 = there is no socket */
int events_fd(void);

/** events_take() - Let in who connects; never blocks */
void events_take(void);

/** events_wanted() - Is anybody connected? Events that nobody reads need not be written */
bool events_wanted(void);

/** event_begin() - @name: "moved" */
void event_begin(struct event *event, const char *name);

/** event_text() - Add a member; control characters and bytes that are not ASCII become '?' */
void event_text(struct event *event, const char *name, const char *text);

/** event_number() - Add a member */
void event_number(struct event *event, const char *name, uint64_t number);

/** event_send() - To all who are connected */
void event_send(struct event *event);

#endif
