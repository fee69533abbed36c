/* SPDX-License-Identifier: BSD-3-Clause */
/* links: power.c power_linux.c power_xen.c xen/cpufreq.c xen/xtl.c log.c */
/*
 * Frequencies that follow the load: by the real rte_power on a made-up /sys, and by Xen's library,
 * whose calls are made up here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenctrl.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_lcore.h>

#include "power.h"

#define SYS_CPU "/sys/devices/system/cpu/"
#define SCALE_US 100000u

static char root[] = "/tmp/vifd-power.XXXXXX";
static uint64_t now_us = 1000000;
static _Atomic uint64_t busy_us;

/* rte_power's and our files of processors are below @root. */
static FILE *open_there(const char *path, const char *mode)
{
	FILE *(*real)(const char *path, const char *mode) = (FILE * (*)(const char *, const char *))
		dlsym(RTLD_NEXT, "fopen");
	char there[256];

	if (strncmp(path, SYS_CPU, strlen(SYS_CPU)) != 0 || !strstr(path, "/cpufreq/"))
		return real(path, mode);
	snprintf(there, sizeof(there), "%s/%s", root, path + strlen(SYS_CPU));
	return real(there, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return open_there(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return open_there(path, mode);
}

static void file_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/cpu0/cpufreq/%s", root, name);
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	file_path(path, sizeof(path), name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *get(const char *name)
{
	static char text[64];
	char path[256];
	FILE *file;

	file_path(path, sizeof(path), name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void make_linux(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cpu0", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/cpu0/cpufreq", root);
	mkdir(path, 0755);
	put("scaling_driver", "acpi-cpufreq\n");
	put("scaling_governor", "ondemand\n");
	put("scaling_available_frequencies", "2400000 1800000 1200000\n");
	put("scaling_setspeed", "1800000\n");
}

static void remove_linux(void)
{
	static const char *const names[] = { "scaling_driver", "scaling_governor",
					     "scaling_available_frequencies", "scaling_setspeed" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		file_path(path, sizeof(path), names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/cpu0/cpufreq", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/cpu0", root);
	rmdir(path);
}

/*
 * A Xen. @pinned: processors that the vCPU may run on; @scales: it has P-states
 * @governors: those it has; @governor, @khz: in force
 */
static struct {
	bool scales;
	uint8_t pinned;
	const char *governors[2];
	char governor[CPUFREQ_NAME_LEN];
	int khz, cpu;
} xen;

xc_interface *xc_interface_open(struct xentoollog_logger *logger,
				struct xentoollog_logger *dombuild, unsigned int flags)
{
	(void)logger;
	(void)dombuild;
	(void)flags;
	return (xc_interface *)&xen;
}

int xc_interface_close(xc_interface *xc)
{
	assert_ptr_equal(xc, &xen);
	return 0;
}

int xc_get_max_cpus(xc_interface *xc)
{
	(void)xc;
	return 8;
}

xc_cpumap_t xc_cpumap_alloc(xc_interface *xc)
{
	(void)xc;
	return calloc(1, 1);
}

int xc_vcpu_getaffinity(xc_interface *xc, uint32_t domid, int vcpu, xc_cpumap_t hard,
			xc_cpumap_t soft, uint32_t flags)
{
	(void)xc;
	assert_int_equal(domid, 0);
	assert_int_equal(vcpu, 0);
	assert_null(soft);
	assert_int_equal(flags, XEN_VCPUAFFINITY_HARD);
	hard[0] = xen.pinned;
	return 0;
}

int xc_get_cpufreq_para(xc_interface *xc, int cpu, struct xc_get_cpufreq_para *para)
{
	static const uint32_t khz[] = { 1000000, 3000000, 2000000 };

	(void)xc;
	xen.cpu = cpu;
	if (!xen.scales) {
		errno = ENODEV;
		return -1;
	}
	if (para->freq_num != 3 || para->gov_num != 2 || para->cpu_num != 1) {
		para->freq_num = 3;
		para->gov_num = 2;
		para->cpu_num = 1;
		errno = EAGAIN;
		return -1;
	}
	memcpy(para->scaling_available_frequencies, khz, sizeof(khz));
	for (int i = 0; i < 2; i++)
		strncpy(para->scaling_available_governors + i * CPUFREQ_NAME_LEN, xen.governors[i],
			CPUFREQ_NAME_LEN);
#if XEN_DOMCTL_INTERFACE_VERSION >= 0x16
	memcpy(para->u.s.scaling_governor, xen.governor, CPUFREQ_NAME_LEN);
#else
	memcpy(para->scaling_governor, xen.governor, CPUFREQ_NAME_LEN);
#endif
	return 0;
}

int xc_set_cpufreq_gov(xc_interface *xc, int cpu, char *name)
{
	(void)xc;
	assert_int_equal(cpu, xen.cpu);
	snprintf(xen.governor, sizeof(xen.governor), "%s", name);
	return 0;
}

int xc_set_cpufreq_para(xc_interface *xc, int cpu, int type, int value)
{
	(void)xc;
	assert_int_equal(cpu, 5);
	assert_int_equal(type, SCALING_SETSPEED);
	assert_string_equal(xen.governor, "userspace");
	xen.khz = value;
	return 0;
}

static int add(void)
{
	struct power_core core = { .cpu = 0, .lcore = rte_get_main_lcore() };

	return power_add(&core, &busy_us);
}

/* A tenth of a second passes, @percent of it with frames. */
static void pass(unsigned int percent)
{
	now_us += SCALE_US;
	atomic_fetch_add(&busy_us, percent * SCALE_US / 100);
	assert_int_equal(power_run(now_us), now_us + SCALE_US);
}

static void linux_frequency_follows_the_load(void **state)
{
	(void)state;
	make_linux();
	assert_int_equal(add(), 0);
	assert_string_equal(get("scaling_governor"), "userspace");
	power_run(now_us);
	pass(100);
	assert_string_equal(get("scaling_setspeed"), "2400000");
	pass(50);
	assert_string_equal(get("scaling_setspeed"), "2400000");
	pass(10);
	assert_string_equal(get("scaling_setspeed"), "1800000");
	pass(0);
	pass(0);
	assert_string_equal(get("scaling_setspeed"), "1200000");
	/* from the lowest to the highest at once */
	pass(70);
	assert_string_equal(get("scaling_setspeed"), "2400000");
	power_stop();
	/* a file keeps what is longer than the last text; /sys would not */
	assert_memory_equal(get("scaling_governor"), "ondemand", strlen("ondemand"));
	remove_linux();
}

static void xen_frequency_follows_the_load(void **state)
{
	(void)state;
	assert_int_equal(add(), 0);
	assert_string_equal(xen.governor, "userspace");
	power_run(now_us);
	pass(90);
	assert_int_equal(xen.khz, 3000000);
	pass(20);
	assert_int_equal(xen.khz, 2000000);
	pass(20);
	pass(20);
	assert_int_equal(xen.khz, 1000000);
	pass(90);
	assert_int_equal(xen.khz, 3000000);
	power_stop();
	assert_string_equal(xen.governor, "ondemand");
}

/* Nothing is scaled then, and nothing is looked at. */
static void whoever_cannot_scale_says_so(void **state)
{
	char path[256];

	(void)state;
	xen.pinned = 0x60;
	assert_int_equal(add(), -EBUSY);
	xen.pinned = 0x20;
	xen.governors[0] = "performance";
	assert_int_equal(add(), -ENOTSUP);
	xen.scales = false;
	assert_int_equal(add(), -ENODEV);
	assert_string_equal(xen.governor, "ondemand");
	assert_int_equal(power_run(now_us), UINT64_MAX);
	make_linux();
	file_path(path, sizeof(path), "scaling_setspeed");
	unlink(path);
	assert_int_equal(add(), -EIO);
	remove_linux();
	power_stop();
}

static void looks_ten_times_a_second(void **state)
{
	uint64_t next;

	(void)state;
	assert_int_equal(add(), 0);
	power_run(now_us);
	xen.khz = 0;
	next = power_run(now_us + SCALE_US / 2);
	assert_int_equal(next, now_us + SCALE_US);
	assert_int_equal(xen.khz, 0);
	power_stop();
}

static int a_xen(void **state)
{
	(void)state;
	power_stop();
	remove_linux();
	memset(&xen, 0, sizeof(xen));
	xen.scales = true;
	xen.pinned = 0x20;
	xen.governors[0] = "userspace";
	xen.governors[1] = "ondemand";
	strcpy(xen.governor, "ondemand");
	now_us += 10 * SCALE_US;
	return 0;
}

static int start(void **state)
{
	char *args[] = { "power_test",	   "--no-huge", "--no-pci", "--no-shconf", "-m", "64",
			 "--no-telemetry", "--lcores",	"0@0",	    "--log-level", "4" };

	(void)state;
	if (!mkdtemp(root))
		return -1;
	return rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	remove_linux();
	rmdir(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(linux_frequency_follows_the_load, a_xen),
		cmocka_unit_test_setup(xen_frequency_follows_the_load, a_xen),
		cmocka_unit_test_setup(whoever_cannot_scale_says_so, a_xen),
		cmocka_unit_test_setup(looks_ten_times_a_second, a_xen),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
