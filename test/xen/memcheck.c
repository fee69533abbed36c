// SPDX-License-Identifier: BSD-3-Clause
/*
 * memcheck - fills memory with a pattern and checks whether anything else writes to it
 *
 * usage: memcheck MIB
 * Prints "filled MIB", and after SIGTERM "bytes N changed N" when it has checked each byte again. A device that
 * writes to the wrong address changes some of them. Exits with status 0 only if none changed.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A different number for each word, so that a moved piece is noticed too. */
static uint64_t pattern(uint64_t place)
{
	place = (place ^ place >> 30) * 0xbf58476d1ce4e5b9u;
	place = (place ^ place >> 27) * 0x94d049bb133111ebu;
	return place ^ place >> 31;
}

static uint64_t changed_bytes(const uint64_t *memory, uint64_t nr)
{
	uint64_t changed = 0;

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t difference = memory[i] ^ pattern(i + 1);

		for (; difference; difference >>= 8)
			changed += (difference & 0xff) != 0;
	}
	return changed;
}

int main(int argc, char **argv)
{
	uint64_t bytes = argc == 2 ? strtoull(argv[1], NULL, 10) << 20 : 0;
	uint64_t changed, *memory;
	sigset_t set;
	int signal;

	if (!bytes) {
		fprintf(stderr, "usage: memcheck MIB\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("memcheck");
		return 2;
	}
	for (uint64_t i = 0; i < bytes / sizeof(*memory); i++)
		memory[i] = pattern(i + 1);
	printf("filled %llu\n", (unsigned long long)(bytes >> 20));
	fflush(stdout);
	sigwait(&set, &signal);
	changed = changed_bytes(memory, bytes / sizeof(*memory));
	printf("bytes %llu changed %llu\n", (unsigned long long)bytes, (unsigned long long)changed);
	return changed != 0;
}
