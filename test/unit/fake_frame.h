/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for tests, and what is right about them: checksums summed up here the
 * slow way, so that a mistake shared with the code under test is unlikely.
 */
#ifndef VIFD_TEST_FAKE_FRAME_H
#define VIFD_TEST_FAKE_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_IPV6 (1u << 0) /* else IPv4 */
#define FRAME_UDP (1u << 1)  /* else TCP */
#define FRAME_VLAN (1u << 2)

static const uint8_t frame_dst[6] = { 0x02, 0, 0, 0, 0, 0x02 };
static const uint8_t frame_src[6] = { 0x02, 0, 0, 0, 0, 0x01 };

static inline void frame_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline uint32_t frame_get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t frame_get32(const uint8_t *at)
{
	return frame_get16(at) << 16 | frame_get16(at + 2);
}

static inline uint32_t frame_sum(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t frame_l2(uint32_t kind)
{
	return kind & FRAME_VLAN ? 18 : 14;
}

static inline uint32_t frame_l3(uint32_t kind)
{
	return kind & FRAME_IPV6 ? 40 : 20;
}

static inline uint32_t frame_l4(uint32_t kind)
{
	return kind & FRAME_UDP ? 8 : 20;
}

static inline uint32_t frame_headers(uint32_t kind)
{
	return frame_l2(kind) + frame_l3(kind) + frame_l4(kind);
}

/* Where the checksum of TCP or UDP is. */
static inline uint32_t frame_checksum_at(uint32_t kind)
{
	return frame_l2(kind) + frame_l3(kind) + (kind & FRAME_UDP ? 6 : 16);
}

/* Sum over addresses, protocol and length: what netif's csum_blank leaves in the field. */
static inline uint32_t frame_pseudo(const uint8_t *frame, uint32_t len, uint32_t kind)
{
	const uint8_t *l3 = frame + frame_l2(kind);
	uint32_t l4_len = len - frame_l2(kind) - frame_l3(kind);
	uint32_t sum = (kind & FRAME_UDP ? 17 : 6) + l4_len;

	return kind & FRAME_IPV6 ? frame_sum(l3 + 8, 32, sum) : frame_sum(l3 + 12, 8, sum);
}

/* Are IPv4's own checksum and the one of TCP or UDP right? */
static inline bool frame_checksums_right(const uint8_t *frame, uint32_t len, uint32_t kind)
{
	uint32_t l4 = frame_l2(kind) + frame_l3(kind);

	if (!(kind & FRAME_IPV6) && frame_sum(frame + frame_l2(kind), 20, 0) != 0xffff)
		return false;
	return frame_sum(frame + l4, len - l4, frame_pseudo(frame, len, kind)) == 0xffff;
}

/*
 * A frame with @payload patterned bytes; IPv4's checksum is right, that of TCP or
 * UDP is the pseudo header's, as a guest leaves it. Return: its length
 */
static inline uint32_t frame_make(uint8_t *frame, uint32_t kind, uint32_t payload)
{
	uint8_t *l3 = frame + frame_l2(kind);
	uint8_t *l4 = l3 + frame_l3(kind);
	uint32_t len = frame_headers(kind) + payload;
	uint32_t l4_len = frame_l4(kind) + payload;

	memset(frame, 0, frame_headers(kind));
	memcpy(frame, frame_dst, 6);
	memcpy(frame + 6, frame_src, 6);
	if (kind & FRAME_VLAN) {
		frame_put16(frame + 12, 0x8100);
		frame_put16(frame + 14, 42);
	}
	frame_put16(l3 - 2, kind & FRAME_IPV6 ? 0x86dd : 0x0800);
	if (kind & FRAME_IPV6) {
		l3[0] = 0x60;
		frame_put16(l3 + 4, l4_len);
		l3[6] = kind & FRAME_UDP ? 17 : 6;
		l3[7] = 64;
		for (uint32_t i = 0; i < 32; i++)
			l3[8 + i] = (uint8_t)(0x20 + 3 * i);
	} else {
		l3[0] = 0x45;
		frame_put16(l3 + 2, 20 + l4_len);
		l3[8] = 64;
		l3[9] = kind & FRAME_UDP ? 17 : 6;
		memcpy(l3 + 12, "\x0a\x01\x02\x03\x0a\x01\x02\x04", 8);
		frame_put16(l3 + 10, ~frame_sum(l3, 20, 0));
	}
	frame_put16(l4, 40000);
	frame_put16(l4 + 2, 80);
	if (kind & FRAME_UDP) {
		frame_put16(l4 + 4, l4_len);
	} else {
		memcpy(l4 + 4, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
		l4[12] = 5 << 4;
		l4[13] = 0x18; /* ACK, PSH */
		frame_put16(l4 + 14, 1000);
	}
	for (uint32_t i = 0; i < payload; i++)
		frame[frame_headers(kind) + i] = (uint8_t)(i * 31 + (i >> 8));
	frame_put16(frame + frame_checksum_at(kind), frame_pseudo(frame, len, kind));
	return len;
}

#endif
