/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Event channels: sole includer of xenevtchn.h.
 *
 * A handle belongs to the one thread that waits on its descriptor; every call
 * is made by that thread (xenevtchn.h: handles are not to be shared). Nothing
 * blocks, nothing is logged. A channel is masked from the moment evt_pending()
 * returns it until evt_unmask(): whoever unmasks late slows a storm down to its
 * own pace (XSA-332).
 */
#ifndef VIFD_XEN_EVT_H
#define VIFD_XEN_EVT_H

#include <stdint.h>

/* Local port numbers are below this (FIFO event channels). */
#define EVT_PORTS_MAX (1u << 17)

struct evt;

/** evt_open() - Return: handle, NULL with errno set */
struct evt *evt_open(void);

/** evt_close() - Unbinds what is bound; NULL is fine */
void evt_close(struct evt *evt);

/** evt_fd() - Readable while a channel is pending */
int evt_fd(const struct evt *evt);

/** evt_bind() - Bind to a port that @domid offers us. Return: local port, -errno */
int evt_bind(struct evt *evt, uint16_t domid, uint32_t remote_port);

/** evt_unbind() - The far end becomes unbound and can be bound again */
void evt_unbind(struct evt *evt, uint32_t port);

/** evt_notify() - Ring the far end. A system call: only when the ring asks for it */
void evt_notify(struct evt *evt, uint32_t port);

/** evt_pending() - Take one pending channel, masked from now. Return: port, -EAGAIN none */
int evt_pending(struct evt *evt);

/** evt_unmask() - Let a channel ring again; if it rang meanwhile, it is pending at once */
void evt_unmask(struct evt *evt, uint32_t port);

#endif
