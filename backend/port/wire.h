/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one port has sent to its NIC's wire, and how much it may send. The port's worker sends;
 * the control thread reads what was sent and sets the rate, while frames flow (vif/shares.h).
 *
 * Bytes are those of the line: with the headers of all segments, and with what Ethernet adds to
 * each frame. A rate is kept by tokens, which are earned all the time and saved up for
 * WIRE_BURST_US. The last frame may overdraw them; the next ones wait until that is paid.
 */
#ifndef VIFD_PORT_WIRE_H
#define VIFD_PORT_WIRE_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "port/offload.h"
#include "port/wire_class.h"

#define WIRE_BURST_US 4000.0
#define WIRE_BURST_BYTES_MIN 32768.0

/**
 * struct wire - All zero: no limit
 * @bytes:  worker: w, any: r; sent since the port was opened
 * @kbps:   control: w, worker: r; most that it may send, kbit/s, 0 = no limit
 * @tokens: worker; bytes that may be sent now, below 0 = overdrawn
 * @filled: worker; when tokens were earned last, cycles
 * @by:     constant once the port is open; how the NIC tells classes, CLASSES_NONE = it has none
 */
struct wire {
	_Atomic uint64_t bytes;
	_Atomic uint32_t kbps;
	double tokens;
	uint64_t filled;
	enum classes_by by;
	struct wire_class classes[CLASSES];
};

static inline void wire_fill(struct wire *wire, uint32_t kbps)
{
	double bytes_a_us = kbps / 8000.0;
	uint64_t now = rte_get_timer_cycles();

	wire->tokens +=
		(double)(now - wire->filled) * 1e6 / (double)rte_get_timer_hz() * bytes_a_us;
	wire->tokens =
		RTE_MIN(wire->tokens, RTE_MAX(bytes_a_us * WIRE_BURST_US, WIRE_BURST_BYTES_MIN));
	wire->filled = now;
}

/**
 * wire_fits() - Worker: how many of the frames, from the first on, may be sent now?
 * @bytes: out, of each of them
 */
static inline uint16_t wire_fits(struct wire *wire, struct rte_mbuf **pkts, uint16_t nr,
				 uint32_t *bytes)
{
	uint32_t kbps = atomic_load_explicit(&wire->kbps, memory_order_relaxed);
	double left = 1;
	uint16_t fit = 0;

	if (unlikely(kbps)) {
		wire_fill(wire, kbps);
		left = wire->tokens;
	} else {
		/* a limit begins with a full burst, whatever was sent before */
		wire->tokens = 0;
		wire->filled = 0;
	}
	while (fit < nr && left > 0) {
		bytes[fit] = offload_line_bytes(pkts[fit]);
		left -= kbps ? bytes[fit] : 0;
		fit++;
	}
	return fit;
}

/** wire_classify() - Worker: the classes of frames, before they are given away. @of: out */
static inline void wire_classify(const struct wire *wire, struct rte_mbuf **pkts, uint16_t nr,
				 uint8_t *of)
{
	for (uint16_t i = 0; unlikely(wire->by) && i < nr; i++)
		of[i] = (uint8_t)classes_of(wire->by, pkts[i]);
}

/** wire_sent() - Worker: the first @nr of them were sent; @of: from wire_classify() */
static inline void wire_sent(struct wire *wire, const uint32_t *bytes, const uint8_t *of,
			     uint16_t nr)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < nr; i++)
		sum += bytes[i];
	for (uint16_t i = 0; unlikely(wire->by) && i < nr; i++)
		wire_class_sent(&wire->classes[of[i]], bytes[i]);
	wire->tokens -= (double)sum;
	atomic_store_explicit(&wire->bytes,
			      atomic_load_explicit(&wire->bytes, memory_order_relaxed) + sum,
			      memory_order_relaxed);
}

#endif
