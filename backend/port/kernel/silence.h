/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps what arrives by a guest's netdev from the host's own network stack, whatever addresses the
 * netdev has or gets: otherwise the host answers in the guest's place.
 *
 * Theory of operation. A chain of nftables at the netdev's ingress hook drops everything. The
 * kernel shows a frame to packet sockets before that, so vifd still receives it. The table
 * belongs to a netlink socket and vanishes with it, also if vifd is killed; a flush of all rules
 * spares it.
 *
 * Not protected against: a program of the host that receives and sends by packet sockets as
 * vifd does, such as a DHCP client; what the host's stack sends by the netdev. A chain at the
 * egress hook that passes vifd's SO_MARK alone would stop both. But the host answers on every
 * netdev for an address that one of them has, the uplink included, and what it then sends by this
 * one is what leads the wire back to the guest: without it the guest was out of reach.
 *
 * Any thread. Calls block a little.
 */
#ifndef VIFD_PORT_KERNEL_SILENCE_H
#define VIFD_PORT_KERNEL_SILENCE_H

struct silence;

/** silence_begin() - From now on. Return: for silence_end(), NULL with errno: this kernel can't */
struct silence *silence_begin(const char *netdev, unsigned int ifindex);

/** silence_end() - Until now; a netdev that is gone is fine. NULL is fine */
void silence_end(struct silence *silence);

#endif
