/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-apart: prints for how many ns a cache line is on its way from CPU 0 to CPU 1 and back.
 *
 * A hypervisor may run two processors of a virtual machine on one core or on two, and change that at
 * any time. What passes frames between processors is then several times as fast, or as slow.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCHES 100
#define TURNS 200u
#define STOP UINT32_MAX

static uint32_t line __attribute__((aligned(64)));

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Odd numbers are for CPU 1 to answer. */
static void *answer(void *unused)
{
	uint32_t now;

	(void)unused;
	run_on(1);
	while ((now = __atomic_load_n(&line, __ATOMIC_ACQUIRE)) != STOP)
		if (now % 2)
			__atomic_store_n(&line, now + 1, __ATOMIC_RELEASE);
	return NULL;
}

static double batch_ns(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint32_t i = 0; i < TURNS; i++) {
		uint32_t at = __atomic_load_n(&line, __ATOMIC_RELAXED);

		__atomic_store_n(&line, at + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&line, __ATOMIC_ACQUIRE) != at + 2)
			;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	       TURNS;
}

int main(void)
{
	double least = 1e12;
	pthread_t other;
	int err = run_on(0);

	if (!err)
		err = pthread_create(&other, NULL, answer, NULL);
	if (err) {
		fprintf(stderr, "bench-apart: %s\n", strerror(err));
		return 1;
	}
	for (int i = 0; i < BATCHES; i++) {
		double ns = batch_ns();

		if (ns < least) /* the others were disturbed */
			least = ns;
	}
	__atomic_store_n(&line, STOP, __ATOMIC_RELEASE);
	pthread_join(other, NULL);
	printf("%.0f\n", least);
	return 0;
}
