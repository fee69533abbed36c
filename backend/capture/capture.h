/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of mirrored frames: pcapng, with the time and the direction of each frame (outbound = the
 * guest sends), for wireshark and tcpdump. One thread writes them all, and gives frames to other
 * sinks; it runs while there is a capture.
 *
 * This file writes the format itself: rte_pcapng wants an ethdev for each frame, which a vif on the
 * switch does not have.
 *
 * Control thread only. Opening and closing may block on the disk.
 */
#ifndef VIFD_CAPTURE_CAPTURE_H
#define VIFD_CAPTURE_CAPTURE_H

#include "path/mirror.h"

struct capture;

/**
 * capture_open() - Begin a file; an existing one is overwritten
 * @path:  of the file
 * @name:  of the mirrored vif, for readers of the file
 * @limit: bytes; the file ends with the last frame that fits, which is logged
 *
 * Return: capture, NULL with errno
 */
struct capture *capture_open(const char *path, const char *name, uint64_t limit);

/**
 * struct capture_sink - Another reader of frames than a file; in the capture's thread
 * @put:   one frame
 * @flush: after some
 */
struct capture_sink {
	void (*put)(void *arg, const struct rte_mbuf *frame);
	void (*flush)(void *arg);
};

/**
 * capture_to() - Begin to give frames to @sink, which gets @arg
 *
 * Return: capture, NULL with errno
 */
struct capture *capture_to(const struct capture_sink *sink, void *arg);

/** capture_close() - Write what waits, end the file. Nobody fills its tap now. NULL is fine */
void capture_close(struct capture *capture);

/** capture_tap() - Put frames for the file into this tap */
struct tap *capture_tap(struct capture *capture);

#endif
