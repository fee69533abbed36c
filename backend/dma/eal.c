/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting DPDK; see eal.h. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "log.h"
#include "eal.h"

LOG_TAG("eal");

#define NO_HUGE "--no-huge"
#define PREFAULT_BYTES ((size_t)2 << 20)

static FILE *eal_log_stream;

/* The level of a DPDK line is known only while it is being written. */
static enum log_level line_level(void)
{
	int level = rte_log_cur_msg_loglevel();

	if (level < 0 || level > (int)RTE_LOG_NOTICE)
		return LOG_LEVEL_DEBUG;
	if (level == (int)RTE_LOG_NOTICE)
		return LOG_LEVEL_INFO;
	return level == (int)RTE_LOG_WARNING ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR;
}

static ssize_t eal_log_write(void *cookie, const char *text, size_t len)
{
	size_t end = len;

	(void)cookie;
	while (end > 0 && text[end - 1] == '\n')
		end--;
	if (end > 0)
		log_write(line_level(), log_tag, "%.*s", (int)end, text);
	return len;
}

/* "0@(1,2,5)": one lcore that may run wherever the process may. */
static void lcore_option(const cpu_set_t *cpus, char *text, size_t size)
{
	size_t len = snprintf(text, size, "--lcores=0@(");
	const char *comma = "";

	for (int cpu = 0; cpu < RTE_MAX_LCORE && len + 8 < size; cpu++) {
		if (!CPU_ISSET(cpu, cpus))
			continue;
		len += snprintf(text + len, size - len, "%s%d", comma, cpu);
		comma = ",";
	}
	snprintf(text + len, size - len, ")");
}

/*
 * A VF is attached when a vif gets it, so nothing is to be probed at the start: the only
 * address that is allowed then is one that no machine has.
 */
static const char *pci_option(const struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		if ((config->nics[i].pf[0] || config->nics[i].devices[0]) &&
		    config->nics[i].driver != CONFIG_DRIVER_NETDEV)
			return "--allow=0000:ff:1f.7";
	return "--no-pci";
}

/*
 * EAL maps its memory early and then sleeps for 100 ms to measure the processor's clock.
 * Meanwhile this thread populates the pages; otherwise each would cost a fault when the packet
 * buffers are made. If that is not possible, they do.
 */
static struct {
	pthread_t thread;
	bool started;
	atomic_bool late;
} prefault;

static bool eal_memory(char **begin, char **end)
{
	unsigned long from, to;
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/memfd:nohuge") &&
			sscanf(line, "%lx-%lx rw", &from, &to) == 2;
	if (maps)
		fclose(maps);
	if (!found)
		return false;
	*begin = (char *)from; /* NOLINT(performance-no-int-to-ptr) */
	*end = (char *)to;     /* NOLINT(performance-no-int-to-ptr) */
	return true;
}

static void *prefault_main(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	char *begin, *end;

	(void)arg;
	while (!eal_memory(&begin, &end)) {
		if (atomic_load(&prefault.late))
			return NULL;
		nanosleep(&pause, NULL);
	}
	/* the heap allocates from its end */
	for (; end > begin && !atomic_load(&prefault.late); end -= PREFAULT_BYTES) {
		size_t bytes = RTE_MIN((size_t)(end - begin), PREFAULT_BYTES);

		if (madvise(end - bytes, bytes, MADV_POPULATE_WRITE) < 0)
			return NULL;
		if (bytes < PREFAULT_BYTES)
			break;
	}
	return NULL;
}

static void prefault_end(void)
{
	atomic_store(&prefault.late, true);
	if (prefault.started)
		pthread_join(prefault.thread, NULL);
	prefault.started = false;
}

/* @kind: EAL's option for the kind of memory; @iova: the same for addresses, NULL = EAL's choice */
static int start_eal(const struct config *config, const char *kind, const char *iova)
{
	static const cookie_io_functions_t log_io = { .write = eal_log_write };
	char lcores[16 + RTE_MAX_LCORE * 4];
	char memory[16];
	cpu_set_t cpus;
	char *argv[] = {
		"vifd",
		(char *)kind,
		"-m",
		memory,
		"--no-shconf",
		(char *)pci_option(config),
		lcores,
		"--file-prefix=vifd",
		config->log_level >= LOG_LEVEL_DEBUG ? "--log-level=info" : "--log-level=error",
		(char *)iova,
		NULL,
	};
	int ret;

	snprintf(memory, sizeof(memory), "%u", config->memory_mb);
	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -errno;
	lcore_option(&cpus, lcores, sizeof(lcores));
	eal_log_stream = fopencookie(NULL, "w", log_io);
	if (!eal_log_stream)
		return -ENOMEM;
	setvbuf(eal_log_stream, NULL, _IOLBF, BUFSIZ);
	rte_openlog_stream(eal_log_stream);
	prefault.started = !strcmp(kind, NO_HUGE) &&
			   pthread_create(&prefault.thread, NULL, prefault_main, NULL) == 0;
	ret = rte_eal_init(RTE_DIM(argv) - (iova ? 1 : 2), argv);
	prefault_end();
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (ret < 0) {
		ret = -rte_errno;
		log_error("DPDK did not start with [daemon] memory_mb = %u: %s", config->memory_mb,
			  strerror(-ret));
		rte_openlog_stream(NULL);
		fclose(eal_log_stream);
		eal_log_stream = NULL;
		return ret;
	}
	return 0;
}

int eal_start(const struct config *config)
{
	return start_eal(config, NO_HUGE, "--iova-mode=va");
}

int eal_start_iova(const struct config *config, const char *iova)
{
	return start_eal(config, NO_HUGE, iova);
}

int eal_start_huge(const struct config *config)
{
	return start_eal(config, "--in-memory", NULL);
}

void eal_stop(void)
{
	rte_eal_cleanup();
	rte_openlog_stream(NULL);
	fclose(eal_log_stream);
	eal_log_stream = NULL;
}
