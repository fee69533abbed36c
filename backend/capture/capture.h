/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of mirrored frames: pcapng, with the time and the direction of each frame (outbound = the
 * guest sends), for wireshark and tcpdump. One thread writes them all; it runs while there is a
 * file.
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

/** capture_close() - Write what waits, end the file. Nobody fills its tap now. NULL is fine */
void capture_close(struct capture *capture);

/** capture_tap() - Put frames for the file into this tap */
struct tap *capture_tap(struct capture *capture);

#endif
