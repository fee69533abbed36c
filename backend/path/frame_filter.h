/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Classic BPF, as libpcap attaches it to a socket, run on a frame before it is copied for a
 * capture.
 *
 * Made by the control thread, run by any worker. It may let more pass than the kernel's filter,
 * which judges what passes again: a frame with a tag always does, since the kernel takes the tag
 * out before.
 */
#ifndef VIFD_PATH_FRAME_FILTER_H
#define VIFD_PATH_FRAME_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/filter.h>

struct frame_filter;
struct rte_mbuf;

/**
 * frame_filter_create() - From a program that the kernel has accepted
 *
 * Return: filter; NULL: all frames are wanted. That is so if the program asks for what only the
 * kernel knows of a frame, if it wants nothing (libpcap's while it sets another one), or cannot be
 * translated
 */
struct frame_filter *frame_filter_create(const struct sock_filter *code, uint32_t len);

/** frame_filter_destroy() - No worker uses it any more. NULL is fine */
void frame_filter_destroy(struct frame_filter *filter);

/** frame_filter_wants() - Worker */
bool frame_filter_wants(const struct frame_filter *filter, const struct rte_mbuf *frame);

#endif
