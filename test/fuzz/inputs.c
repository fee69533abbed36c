// SPDX-License-Identifier: BSD-3-Clause
/*
 * inputs - gives a fuzz target inputs from files, without a fuzzer
 *
 *     NAME FILE...   each file once; ends by SIGABRT at the first that shows a fault
 *
 * Linked with a target in place of libFuzzer, by the ordinary compiler: so 'make unit' finds a target that
 * does not build any more, or whose inputs so far no longer hold.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define INPUT_MAX 65536

#pragma weak LLVMFuzzerInitialize

static int give(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file) {
		perror(path);
		return 1;
	}
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, len);
	return 0;
}

int main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		if (give(argv[i]))
			return 1;
	printf("%d\n", argc - 1);
	return 0;
}
