// SPDX-License-Identifier: BSD-3-Clause
/* Two guests and the frames that one sends to the other; see pair.h */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"

struct simguest *pair_a, *pair_b;
uint32_t pair_dom_a, pair_dom_b;
uint16_t pair_port = 1000;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

void pair_say(const char *name, bool ok)
{
	printf("check %s %s\n", name, ok ? "true" : "false");
	fflush(stdout);
}

void pair_close(void)
{
	int in_use = (pair_a ? simguest_close(pair_a) : 0) + (pair_b ? simguest_close(pair_b) : 0);

	if (in_use)
		pair_say("grants_are_free_after_closing", false);
	pair_a = pair_b = NULL;
}

static int usage(const struct pair_group *groups, size_t nr)
{
	fprintf(stderr, "Usage: %s GROUP DOMID DOMID\nGROUP:", program_invocation_short_name);
	for (size_t i = 0; i < nr; i++)
		fprintf(stderr, " %s", groups[i].name);
	fprintf(stderr, "\nPrints \"check NAME VALUE\" lines.\n");
	return 2;
}

int pair_main(int argc, char **argv, const struct pair_group *groups, size_t nr)
{
	struct simguest_stats s;
	size_t i = 0;

	while (argc == 4 && i < nr && strcmp(argv[1], groups[i].name) != 0)
		i++;
	if (argc != 4 || i == nr)
		return usage(groups, nr);
	pair_dom_a = (uint32_t)atoi(argv[2]);
	pair_dom_b = (uint32_t)atoi(argv[3]);
	groups[i].run();
	if (pair_a && pair_b) {
		simguest_stats_sum(pair_b, &s);
		printf("check violations_%s %lu\n", argv[1], s.violations);
	}
	pair_close();
	return 0;
}

bool pair_open(struct simguest_config ca, struct simguest_config cb)
{
	pair_close();
	ca.domid = pair_dom_a;
	cb.domid = pair_dom_b;
	ca.poll = cb.poll = true;
	pair_a = simguest_open(&ca);
	pair_b = simguest_open(&cb);
	return pair_a && pair_b && !simguest_connect(pair_a) && !simguest_connect(pair_b);
}

/* --- frames ---------------------------------------------------------------------------------------- */

uint32_t pair_sum(const uint8_t *p, uint32_t n, uint32_t s)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		s += (uint32_t)p[n - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

void pair_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t pair_ip_len(bool v6)
{
	return v6 ? 40 : 20;
}

/* Sum over the pseudo header, for @len bytes of transport */
static uint32_t pseudo(const uint8_t *ip, bool v6, uint32_t len)
{
	uint32_t proto = v6 ? ip[6] : ip[9];

	return pair_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, proto + (len >> 16) + (len & 0xffff));
}

static uint32_t frame_make(uint8_t *p, const struct pair_spec *s)
{
	uint32_t l4 = 14 + pair_ip_len(s->v6), head = s->tcp ? 20 : 8, len = head + s->payload;
	uint8_t *ip = p + 14, *t = p + l4;
	uint32_t field = s->tcp ? 16 : 6;

	memset(p, 0, l4 + head);
	memcpy(p, pair_b->mac, 6);
	memcpy(p + 6, pair_a->mac, 6);
	pair_put16(p + 12, s->v6 ? 0x86dd : 0x0800);
	if (s->v6) {
		ip[0] = 0x60;
		pair_put16(ip + 4, len);
		ip[6] = s->tcp ? 6 : 17;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
	} else {
		ip[0] = 0x45;
		pair_put16(ip + 2, 20 + len);
		ip[8] = 64;
		ip[9] = s->tcp ? 6 : 17;
		memcpy(ip + 12, (uint8_t[]){ 10, 9, 8, 1, 10, 9, 8, 2 }, 8);
		pair_put16(ip + 10, ~pair_sum(ip, 20, 0));
	}
	pair_put16(t, s->port);
	pair_put16(t + 2, 80);
	if (s->tcp) {
		t[12] = 0x50;
		t[13] = 0x18;
	} else {
		pair_put16(t + 4, len);
	}
	for (uint32_t i = 0; i < s->payload; i++)
		t[head + i] = (uint8_t)(i * 7 + i / 256);
	pair_put16(t + field,
		   s->blank ? pseudo(ip, s->v6, len) : ~pair_sum(t, len, pseudo(ip, s->v6, len)));
	return l4 + len;
}

/* The checksums of a received frame are right, or it is said that they are blank */
bool pair_frame_is_good(const struct simguest_frame *f, bool v6, bool blank_allowed)
{
	const uint8_t *p = f->data, *ip = p + 14;
	uint32_t len = f->len - 14 - pair_ip_len(v6);

	if (f->len < 14 + pair_ip_len(v6) + 8 || (!v6 && pair_sum(ip, 20, 0) != 0xffff))
		return false;
	if (f->flags & NETIF_RXF_CSUM_BLANK)
		return blank_allowed;
	return pair_sum(ip + pair_ip_len(v6), len, pseudo(ip, v6, len)) == 0xffff;
}

bool pair_send(const struct pair_spec *s)
{
	static uint8_t buf[65536];
	struct simguest_frame f = { .data = buf };

	f.len = frame_make(buf, s);
	f.flags = s->blank ? NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED : 0;
	f.gso_size = (uint16_t)s->gso;
	f.gso_type = s->gso ? (s->v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4) : 0;
	return simguest_tx(&pair_a->queue[0], &f, 1) == 1;
}

/* The next frame for b from port @port, on any queue (told in @queue) */
bool pair_receive_within(int limit_ms, uint16_t port, bool v6, struct simguest_frame *f,
			 uint32_t *queue)
{
	double end = now_ms() + limit_ms;

	while (now_ms() < end) {
		for (uint32_t q = 0; q < pair_b->nr_queues; q++) {
			const uint8_t *p;

			if (!simguest_rx(&pair_b->queue[q], f, 1))
				continue;
			p = (uint8_t *)f->data + 14 + pair_ip_len(v6);
			if (f->len < 14 + pair_ip_len(v6) + 8 || (p[0] << 8 | p[1]) != port)
				continue;
			if (queue)
				*queue = q;
			return true;
		}
		simguest_tx_reap(&pair_a->queue[0]);
		usleep(50);
	}
	return false;
}

bool pair_receive(uint16_t port, bool v6, struct simguest_frame *f, uint32_t *queue)
{
	return pair_receive_within(PAIR_LIMIT_MS, port, v6, f, queue);
}

bool pair_passes(struct pair_spec s, bool blank_allowed)
{
	struct simguest_frame f;

	s.port = pair_port++;
	if (!pair_send(&s) || !pair_receive(s.port, s.v6, &f, NULL))
		return false;
	return f.len == 14 + pair_ip_len(s.v6) + (s.tcp ? 20 : 8) + s.payload &&
	       pair_frame_is_good(&f, s.v6, blank_allowed);
}
