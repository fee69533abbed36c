/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic classes of a frame, and what of each class one port has sent to its NIC's wire and may
 * send. The port's worker sends and asks; the control thread reads what was sent and sets the
 * rates, while frames flow (vif/class_shares.h).
 *
 * A rate is kept by tokens as in wire.h, but the port does not hold frames back: whoever has frames
 * of several classes (path/classes.h) asks first which of them are open, so that a class that is
 * closed holds up no other. Frames that stay on this machine cost nothing.
 */
#ifndef VIFD_PORT_WIRE_CLASS_H
#define VIFD_PORT_WIRE_CLASS_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/vlan.h"

#define CLASSES 8u
#define CLASS_BURST_US 4000.0
#define CLASS_BURST_BYTES_MIN 32768.0

enum classes_by { CLASSES_NONE, CLASSES_PCP, CLASSES_DSCP };

/**
 * struct wire_class - All zero: no limit
 * @bytes:  worker: w, any: r; of the line, sent since the port was opened
 * @held:   worker: w, any: r; how often frames had to wait for the rate
 * @kbps:   control: w, worker: r; most that may be sent, kbit/s of the line, 0 = no limit
 * @tokens: worker; bytes that may be sent now, below 0 = overdrawn
 * @filled: worker; when tokens were earned last, cycles
 */
struct wire_class {
	_Atomic uint64_t bytes, held;
	_Atomic uint32_t kbps;
	double tokens;
	uint64_t filled;
};

/* The first three bits of the DSCP, which its class selectors are. */
static inline uint32_t class_of_ip(const struct rte_mbuf *frame)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t at = vlan_skip(bytes, frame->data_len, VLAN_OUTERMOST);
	const uint8_t *ip = bytes + at + 2;

	if (at + 4 > frame->data_len)
		return 0;
	switch (vlan_type_at(bytes, frame->data_len, at)) {
	case RTE_ETHER_TYPE_IPV4:
		return ip[1] >> 5;
	case RTE_ETHER_TYPE_IPV6: /* version, then the traffic class across two bytes */
		return (ip[0] & 0x0fu) >> 1;
	default:
		return 0;
	}
}

/** classes_of() - The class of a frame as it goes to the wire; below CLASSES */
static inline uint32_t classes_of(enum classes_by by, const struct rte_mbuf *frame)
{
	int tci;

	if (by == CLASSES_DSCP)
		return class_of_ip(frame);
	tci = vlan_tci_at(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len,
			  VLAN_OUTERMOST);
	return tci < 0 ? 0 : (uint32_t)tci >> 13;
}

/** wire_class_is_open() - Worker: may a frame go? @taken: bytes of others that are not sent yet */
static inline bool wire_class_is_open(struct wire_class *class, uint64_t taken)
{
	uint32_t kbps = atomic_load_explicit(&class->kbps, memory_order_relaxed);
	double bytes_a_us = kbps / 8000.0, most;
	uint64_t now;

	if (!kbps) {
		/* a limit begins with a full burst, whatever was sent before */
		class->tokens = 0;
		class->filled = 0;
		return true;
	}
	now = rte_get_timer_cycles();
	most = RTE_MAX(bytes_a_us * CLASS_BURST_US, CLASS_BURST_BYTES_MIN);
	class->tokens +=
		(double)(now - class->filled) * 1e6 / (double)rte_get_timer_hz() * bytes_a_us;
	class->tokens = RTE_MIN(class->tokens, most);
	class->filled = now;
	if (class->tokens > (double)taken)
		return true;
	atomic_fetch_add_explicit(&class->held, 1, memory_order_relaxed);
	return false;
}

/** wire_class_sent() - Worker: a frame of @bytes of the line went to the wire */
static inline void wire_class_sent(struct wire_class *class, uint32_t bytes)
{
	class->tokens -= bytes;
	atomic_store_explicit(&class->bytes,
			      atomic_load_explicit(&class->bytes, memory_order_relaxed) + bytes,
			      memory_order_relaxed);
}

#endif
