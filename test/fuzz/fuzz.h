/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by fuzz targets: reads the input byte by byte, and makes a frame from it. */
#ifndef VIFD_TEST_FUZZ_H
#define VIFD_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/fake_frame.h"

/* libFuzzer's entry points. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold: a crash to the fuzzer. */
#define fuzz_check(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** struct fuzz_input - The rest of the input; zeros follow its end */
struct fuzz_input {
	const uint8_t *next;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz_input *input, void *to, size_t len)
{
	size_t have = len < input->left ? len : input->left;

	memset(to, 0, len);
	if (have)
		memcpy(to, input->next, have);
	input->next += have;
	input->left -= have;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

/*
 * A frame of a known kind with up to four of its bytes overwritten: random bytes
 * alone would hardly ever get past the first header.
 */
static inline uint32_t fuzz_frame(struct fuzz_input *input, uint8_t *bytes, uint32_t size)
{
	uint32_t kind = fuzz_u8(input) & (FRAME_IPV6 | FRAME_UDP | FRAME_VLAN);
	uint32_t payload = fuzz_u16(input) % (size - frame_headers(kind));
	uint32_t len = frame_make(bytes, kind, payload);

	for (uint32_t nr = fuzz_u8(input) % 5; nr; nr--) {
		uint32_t at = fuzz_u8(input) % frame_headers(kind);

		bytes[at] = fuzz_u8(input);
	}
	return len;
}

#endif
