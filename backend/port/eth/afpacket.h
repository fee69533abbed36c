/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet socket below a net_af_packet device, and what is put right in it.
 *
 * Theory of operation. DPDK's net_af_packet driver moves frames through a
 * packet socket's two rings in shared memory. As it comes (22.11 to 24.11) it
 * hurts a back end in five ways:
 *  - the socket joins a fanout group with FLAG_DEFRAG: IPv4 fragments arrive
 *    reassembled, longer than a ring's frame, and are cut off silently;
 *  - tx waits in poll(-1) when the ring is full;
 *  - a frame that the netdev had no room for stays in the ring until somebody
 *    calls sendto() again;
 *  - a frame longer than the ring's is handed on cut off;
 *  - 22.11 receives from every netdev until the socket is bound, and frames of
 *    dom0's own stack for ever.
 * So, when the device is new and not started, its socket is replaced by one of
 * ours with the same rings at the same address (dup2, mmap MAP_FIXED), bound
 * to nothing until it is in place, with no fanout. And because the rings are
 * ours too, their states are read here: how much room tx has (the driver is
 * never called into its poll), which received frames are whole, whether their
 * checksum is known to be good, whether a frame waits to be kicked.
 *
 * This counts on the driver using the slots one after another from 0, which it
 * does in every version; afp_open() refuses a device whose rings it can't find.
 */
#ifndef VIFD_PORT_ETH_AFPACKET_H
#define VIFD_PORT_ETH_AFPACKET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/**
 * struct afp_geometry - Rings for frames of one MTU
 * @frame_bytes: slot, headers of the kernel's included; a power of two
 * @block_bytes: multiple of slot and page
 * @frames:      slots a direction
 */
struct afp_geometry {
	uint32_t frame_bytes;
	uint32_t block_bytes;
	uint32_t frames;
};

/** struct afp - One socket; worker only, except open, close and the counters */
struct afp {
	int fd;
	bool making; /* a thread, whose socket @made is, or -errno */
	int made;
	pthread_t maker;
	struct afp_geometry geometry;
	int ifindex;
	uint8_t *rx;
	uint8_t *tx;
	uint32_t frame_bytes;
	uint32_t frames;
	uint32_t rx_slot;  /* next to be received */
	uint32_t tx_slot;  /* next to be filled */
	uint32_t tx_busy;  /* filled and not known to be free again */
	uint64_t tx_freed; /* slots that came back, ever */
	/* worker: w, others: r */
	_Atomic uint64_t rx_lost; /* ring full, from the kernel */
};

/* What is known of a received frame beside its bytes. */
struct afp_rx {
	bool drop;
	bool checksum_good;
	bool checksum_missing;
	uint16_t tpid; /* of a tag that the driver re-inserts, 0 = none or 0x8100 */
};

/** afp_geometry() - For L3 packets of @mtu bytes */
void afp_geometry(uint16_t mtu, struct afp_geometry *geometry);

/**
 * afp_prepare() - Make our socket while the driver makes its own
 *
 * Each of them waits several times until all processors have been seen idle, tens
 * of milliseconds in all: beside each other they wait once. Control thread.
 */
void afp_prepare(struct afp *afp, const struct afp_geometry *geometry);

/**
 * afp_open() - Replace the socket of a net_af_packet device that has just been made
 * @afp: prepared with the geometry that the device was made with
 *
 * Control thread. Return: 0, -errno (the device is good for nothing but closing)
 */
int afp_open(struct afp *afp, int ifindex);

/** afp_close() - After the device itself was closed, or when it could not be made */
void afp_close(struct afp *afp);

/** afp_rx_peek() - Look at waiting frames; @info[] gets up to @max. Return: how many */
uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max);

/** afp_rx_done() - The driver took @nr frames */
void afp_rx_done(struct afp *afp, uint16_t nr);

/** afp_tx_room() - Return: frames, up to @max, that the driver takes without waiting */
uint16_t afp_tx_room(struct afp *afp, uint16_t max);

/** afp_tx_idle() - Has the netdev taken all, and given the slots back? */
bool afp_tx_idle(struct afp *afp);

/** afp_tx_done() - The driver filled @nr slots */
void afp_tx_done(struct afp *afp, uint16_t nr);

/**
 * afp_tx_kick() - Send what waits in the ring
 *
 * Return: 0 nothing waits, 1 the netdev has no room now, -ENODEV the netdev is
 * gone, other -errno (down)
 */
int afp_tx_kick(struct afp *afp);

/** afp_error() - Fetch and clear the socket's error, so that it is not readable for ever */
int afp_error(struct afp *afp);

#endif
