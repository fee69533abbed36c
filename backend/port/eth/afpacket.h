/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet socket below a net_af_packet device, with the driver's flaws corrected.
 *
 * Theory of operation. DPDK's net_af_packet driver moves frames through a
 * packet socket's two rings in shared memory. As it is (22.11 to 24.11) it
 * hurts a back end in five ways:
 *  - the socket joins a fanout group with FLAG_DEFRAG: IPv4 fragments arrive
 *    reassembled, longer than a slot of the ring, and are truncated silently;
 *  - tx waits in poll(-1) when the ring is full;
 *  - a frame that the netdev had no room for stays in the ring until somebody
 *    calls sendto() again;
 *  - a frame longer than a slot is handed on truncated;
 *  - 22.11 receives from every netdev until the socket is bound, and always
 *    receives the frames of dom0's own stack.
 * So, while the device is new and not started, its socket is replaced by one of
 * ours with the same rings at the same address (dup2, mmap MAP_FIXED), not bound
 * until it has replaced the other, and without fanout. And because the rings are
 * ours too, their states are read here: how much room tx has (so that the driver
 * never reaches its poll), which received frames are whole, whether their
 * checksums are known to be good, whether a frame waits to be kicked.
 *
 * This relies on the driver using the slots one after another from 0, which every
 * version does; afp_open() refuses a device whose rings it can't find.
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
 * @frame_bytes: of a slot, including the kernel's headers; a power of two
 * @block_bytes: a multiple of slot and page
 * @frames:      slots per direction
 */
struct afp_geometry {
	uint32_t frame_bytes;
	uint32_t block_bytes;
	uint32_t frames;
};

/** struct afp - One socket; worker only, except open, close and the counters */
struct afp {
	int fd;
	bool making; /* the thread @maker is making a socket */
	int made;    /* that socket, or -errno */
	pthread_t maker;
	struct afp_geometry geometry;
	int ifindex;
	uint8_t *rx;
	uint8_t *tx;
	uint32_t frame_bytes;
	uint32_t frames;
	uint32_t rx_slot;  /* next to be received */
	uint32_t tx_slot;  /* next to be filled */
	uint32_t tx_busy;  /* filled, and not known to be free again */
	uint64_t tx_freed; /* slots that became free again, in all */
	/* worker: w, others: r */
	_Atomic uint64_t rx_lost; /* ring full, from the kernel */
};

/** struct afp_rx - Metadata of a received frame */
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
 * Each of them waits several times until all processors have been seen idle, tens of
 * milliseconds in all: if both are made at the same time, that time passes once. Control thread.
 */
void afp_prepare(struct afp *afp, const struct afp_geometry *geometry);

/**
 * afp_open() - Replace the socket of a net_af_packet device that has just been made
 * @afp: after afp_prepare() with the device's geometry
 *
 * Control thread. Return: 0, -errno (the device can only be closed)
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
 * Return: 0 no frame waits, 1 the netdev has no room now, -ENODEV the netdev is
 * gone, other -errno (it is down)
 */
int afp_tx_kick(struct afp *afp);

/** afp_error() - Fetch and clear the socket's error, so that it does not stay readable */
int afp_error(struct afp *afp);

#endif
