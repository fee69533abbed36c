/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of vifs (base/events.h), found by comparing each vif with what was told of it last: so
 * there is one place that knows them, and none is told twice. Control thread.
 *
 *	came, gone             a vif is there, or not any more
 *	connected, closed      its front end
 *	moved                  path, vf: where its frames go now
 *	move-failed            why
 *	fault                  why: the guest broke the protocol, or another vif has its MAC address
 *	request                the guest's, and what was granted; "ask": not yet (request.h)
 *	spoofing               frames: so many of the last second had an address that is not its own
 */
#ifndef VIFD_VIF_TELL_H
#define VIFD_VIF_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

struct vif;
struct host;

/**
 * struct tell - What was told of a vif; zeroed is ready to use
 * @where:    name of its port
 * @spoof_us: when @spoofed was looked at
 */
struct tell {
	bool came, connected;
	enum port_kind kind;
	char where[PORT_NAME_MAX];
	int move_error;
	const char *fault;
	uint64_t granted, refused;
	uint32_t ask;
	uint64_t spoofed, spoof_us;
};

/** tell_vif() - Send an event for each thing that changed since the last call */
void tell_vif(struct vif *vif, uint64_t now_us);

/** tell_gone() - The vif is about to be destroyed */
void tell_gone(struct vif *vif);

/** tell_due_us() - When to look for what nobody reports, UINT64_MAX = never */
uint64_t tell_due_us(const struct host *host, uint64_t now_us);

#endif
