/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that watched vifs' frames are written to: pcapng, with the time and the
 * direction of each frame (outbound = the guest sends), readable by wireshark and
 * tcpdump. One thread of its own writes them all; it lives while there is a file.
 *
 * The format is written here: rte_pcapng wants an ethdev for each frame, which a
 * vif on the switch does not have.
 *
 * Control thread only. Opening and closing may block on the disk.
 */
#ifndef VIFD_CAPTURE_CAPTURE_H
#define VIFD_CAPTURE_CAPTURE_H

#include "path/mirror.h"

struct capture;

/**
 * capture_open() - Begin a file; one of that name is overwritten
 * @path:  of the file
 * @name:  of what is watched, for readers
 * @limit: bytes; the file ends with the last frame that fits, which is logged
 *
 * Return: capture, NULL with errno
 */
struct capture *capture_open(const char *path, const char *name, uint64_t limit);

/** capture_close() - Write what waits, end the file; nobody fills its tap any more. NULL is fine */
void capture_close(struct capture *capture);

/** capture_tap() - Where frames for it go */
struct tap *capture_tap(struct capture *capture);

#endif
