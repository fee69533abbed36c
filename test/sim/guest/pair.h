/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two guests of a program that checks the protocol: a sends, b receives. Frames are TCP or UDP in
 * IPv4 or IPv6, built here and verified here, byte by byte. One line for each check:
 * "check NAME VALUE", VALUE true, false or a number.
 */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "simguest.h"

#define PAIR_LIMIT_MS 5000  /* for frames that must arrive, on a busy machine */
#define PAIR_SILENCE_MS 400 /* for frames that must not arrive */

extern struct simguest *pair_a, *pair_b;
extern uint32_t pair_dom_a, pair_dom_b;
extern uint16_t pair_port; /* that the next frame comes from */

struct pair_spec {
	bool v6, tcp, blank;
	uint32_t payload, gso;
	uint16_t port;
};

/* The checks of one run of such a program. */
struct pair_group {
	const char *name;
	void (*run)(void);
};

/**
 * pair_main() - PROGRAM GROUP DOMID DOMID, with one of @nr groups
 *
 * Return: 0, 2 and the usage printed
 */
int pair_main(int argc, char **argv, const struct pair_group *groups, size_t nr);
void pair_say(const char *name, bool ok);
/** pair_open() - Connect both with their configurations; closes the previous pair first */
bool pair_open(struct simguest_config ca, struct simguest_config cb);
/** pair_close() - Reports a failed check if a grant is still in use */
void pair_close(void);
/** pair_sum() - Internet checksum of @n bytes, going on from @s */
uint32_t pair_sum(const uint8_t *p, uint32_t n, uint32_t s);
uint32_t pair_ip_len(bool v6);
/** pair_put16() - In network order */
void pair_put16(uint8_t *p, uint32_t v);
/** pair_frame_is_good() - Its checksums are right, or it is said that they are blank */
bool pair_frame_is_good(const struct simguest_frame *f, bool v6, bool blank_allowed);
/** pair_send() - One frame from a to b by a's first queue. Return: the ring took it */
bool pair_send(const struct pair_spec *s);
/** pair_receive_within() - The next frame for b from @port, on any queue, told in *@queue */
bool pair_receive_within(int limit_ms, uint16_t port, bool v6, struct simguest_frame *f,
			 uint32_t *queue);
bool pair_receive(uint16_t port, bool v6, struct simguest_frame *f, uint32_t *queue);
/** pair_passes() - Send a frame and receive it complete and correct */
bool pair_passes(struct pair_spec s, bool blank_allowed);

#endif
