/* SPDX-License-Identifier: BSD-3-Clause */
/* Order of start and stop, and the control thread's loop; nothing else. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include <rte_mbuf.h>

#include "base/clock.h"
#include "base/events.h"
#include "control.h"
#include "dma/dma.h"
#include "log.h"
#include "path/isolation.h"
#include "policy/folder.h"
#include "port/eth/told.h"
#include "port/kernel/monitor.h"
#include "port/nic.h"
#include "port/retire.h"
#include "port/sriov/keep.h"
#include "power.h"
#include "privileges.h"
#include "rep/device.h"
#include "telemetry/telemetry.h"
#include "vif/host.h"
#include "vif/opener.h"
#include "vif/vifs.h"
#include "worker.h"
#include "xen/dom.h"
#include "xen/evt.h"
#include "xen/gnt.h"
#include "xen/store.h"

LOG_TAG("vifd");
SYSCALLS("signalfd4", "eventfd2");

/* The control thread is always to be woken: it has nothing to poll. */
static struct wake raise_control = { .asleep = true };

struct daemon {
	struct config *config;
	struct host host;
	bool eal_started;
	struct rte_mempool *pool;
	struct vifs *vifs;
	struct monitor *monitor;
	struct folder *policy;
	int signals;
};

/* One that was just killed is gone after at most so many steps of 10 ms. */
#define ALONE_STEPS 300

/*
 * Two vifds would serve the same rings. The lock ends with the process, whatever ends that, and
 * vifd-absent waits for it.
 */
static int start_alone(const struct config *config)
{
	const struct timespec step = { .tv_nsec = 10000000 };
	char path[300];
	int fd, ret;

	mkdir(config->run_dir, 0755);
	snprintf(path, sizeof(path), "%s/lock", config->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		ret = -errno;
		log_error("[daemon] run_dir: %s: %s", path, strerror(-ret));
		return ret;
	}
	for (int i = 0; (ret = flock(fd, LOCK_EX | LOCK_NB)) && i < ALONE_STEPS; i++)
		nanosleep(&step, NULL);
	if (!ret)
		return 0; /* @fd stays open until the process ends */
	ret = -errno;
	log_error("another vifd runs: it has locked %s; stop it first, or set [daemon] run_dir",
		  path);
	close(fd);
	return ret;
}

static int start_signals(struct daemon *daemon)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	raise_control.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->signals < 0 || raise_control.fd < 0) {
		log_error("no descriptors for signals: %m");
		return -errno;
	}
	daemon->host.raise = &raise_control;
	return 0;
}

static int start_xen(struct host *host)
{
	int domid;

	host->store = store_open();
	if (!host->store) {
		log_error(
			"xenstore cannot be reached: %m; is this a Xen host, is xenstored running?");
		return -errno;
	}
	domid = store_own_domid(host->store);
	if (domid < 0) {
		log_error("xenstore does not tell our domid: %s; has xen-init-dom0 run?",
			  strerror(-domid));
		return domid;
	}
	host->own_domid = (uint16_t)domid;
	host->dom = dom_open();
	host->gnt = gnt_open();
	host->evt = evt_open();
	if (!host->dom || !host->gnt || !host->evt) {
		log_error(
			"hypervisor cannot be reached: %m; are xen-privcmd, xen-gntdev and xen-evtchn loaded?");
		return -errno;
	}
	return 0;
}

static int start_memory(struct daemon *daemon)
{
	int ret = dma_start(daemon->config);

	if (ret)
		return ret;
	daemon->eal_started = true;
	daemon->pool = dma_pool_create(daemon->config);
	return daemon->pool ? 0 : -ENOMEM;
}

/* A host that cannot scale frequencies serves its guests all the same. */
static void start_power(struct worker *worker, int cpu)
{
	struct power_core core = { .cpu = (unsigned int)cpu, .lcore = worker_lcore(worker) };

	if (cpu >= 0)
		power_add(&core, worker_busy_us(worker));
}

/* Return: Linux' number of the processor that a worker stays on, -1: any */
static int worker_cpu(const struct config *config, uint32_t index)
{
	if (index < config->cpus.nr)
		return config->cpus.cpu[index];
	return config->power == CONFIG_POWER_ON ? power_cpu(index) : -1;
}

static int start_workers(struct daemon *daemon)
{
	struct host *host = &daemon->host;
	bool power = daemon->config->power == CONFIG_POWER_ON;

	for (uint32_t i = 0; i < daemon->config->workers; i++) {
		int cpu = worker_cpu(daemon->config, i);

		host->workers[i] = worker_start(i, daemon->config->poll_us, cpu, daemon->pool);
		if (!host->workers[i])
			return -errno;
		host->nr_workers++;
		if (power)
			start_power(host->workers[i], cpu);
	}
	nic_set_barrier(worker_barrier);
	nic_set_raise(host->raise);
	return isolation_start(worker_barrier);
}

static int start_nics(struct daemon *daemon)
{
	struct host *host = &daemon->host;
	int ret;

	keep_set_dir(daemon->config->run_dir);
	for (uint32_t i = 0; i < daemon->config->nr_nics; i++) {
		host->nics[i] = nic_create(&daemon->config->nics[i], daemon->pool);
		if (!host->nics[i])
			return -errno;
		host->nr_nics++;
		ret = worker_attach_nic(host->workers[i % host->nr_workers], host->nics[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void hold_workers(struct host *host, bool held)
{
	for (uint32_t i = 0; i < host->nr_workers; i++)
		worker_hold(host->workers[i], held);
}

static void start_events(const char *dir)
{
	int ret = events_open(dir);

	if (ret)
		log_warn("%s/" EVENTS_SOCKET ": %s; no program is told of events", dir,
			 strerror(-ret));
}

/* Guests that are connected already are taken over all at once. */
static int start_vifs(struct daemon *daemon)
{
	daemon->host.opener = opener_start(daemon->host.raise);
	if (!daemon->host.opener)
		return -errno;
	told_wake(daemon->host.raise);
	daemon->monitor = monitor_open();
	if (!daemon->monitor)
		log_warn("network devices tell of no changes: %m; links are looked at each second");
	daemon->policy = folder_open(daemon->config->policy_dir);
	if (!daemon->policy)
		log_warn("%s tells of no changes: %m; SIGHUP makes vifd read its files again",
			 daemon->config->policy_dir);
	start_events(daemon->config->run_dir);
	daemon->vifs = vifs_open(&daemon->host);
	if (!daemon->vifs)
		return -errno;
	hold_workers(&daemon->host, true);
	vifs_run(daemon->vifs, clock_us());
	hold_workers(&daemon->host, false);
	control_start(daemon->host.raise);
	return telemetry_start(daemon->vifs, &daemon->host);
}

/*
 * Beside the buffers packet memory holds a pool for each worker and each NIC: 3 MiB, which are a
 * quarter of what memory_mb has to grow by.
 */
#define MEMORY_MB_EACH 12u
#define MEMORY_MB_REST 4u

static void tell_memory(const struct config *config)
{
	log_error(
		"[daemon] memory_mb = %u is too small for %u workers and %u [nic] sections; set %u or more",
		config->memory_mb, config->workers, config->nr_nics,
		MEMORY_MB_EACH * (config->workers + config->nr_nics) + MEMORY_MB_REST);
}

static int daemon_start(struct daemon *daemon)
{
	int ret = start_alone(daemon->config);

	if (ret)
		return ret;
	dma_prepare(daemon->config);
	ret = privileges_drop();
	daemon->host.config = daemon->config;
	daemon->host.sysfs = "/sys";
	if (!ret)
		ret = start_signals(daemon);
	if (!ret)
		ret = start_xen(&daemon->host);
	if (!ret)
		ret = start_memory(daemon);
	if (!ret)
		ret = start_workers(daemon);
	if (!ret)
		ret = start_nics(daemon);
	if (ret == -ENOMEM && daemon->pool)
		tell_memory(daemon->config);
	if (!ret)
		ret = start_vifs(daemon);
	if (!ret)
		ret = privileges_confine();
	return ret;
}

/* Last: whoever held a frame has been closed. A pool that waits all the same ends with the process. */
static void free_pools(struct rte_mempool *pool)
{
	unsigned int waiting;

	pool_retire(pool, NULL, NULL);
	waiting = pools_reap();
	if (waiting)
		log_error("buffers of %u pools are still in use", waiting);
}

static void daemon_stop(struct daemon *daemon)
{
	struct host *host = &daemon->host;

	control_stop();
	vifs_close(daemon->vifs);
	events_close();
	told_wake(NULL);
	monitor_close(daemon->monitor);
	folder_close(daemon->policy);
	opener_stop(host->opener);
	for (uint32_t i = 0; i < host->nr_nics; i++) {
		worker_detach_nic(host->workers[i % host->nr_workers], host->nics[i]);
		nic_destroy(host->nics[i]);
	}
	power_stop();
	for (uint32_t i = 0; i < host->nr_workers; i++)
		worker_stop(host->workers[i]);
	isolation_stop();
	/* all ports are closed: nothing of a guest's is with a device any more */
	statics_reap(host->gnt);
	free_pools(daemon->pool);
	if (daemon->eal_started)
		dma_stop();
	evt_close(host->evt);
	gnt_close(host->gnt);
	dom_close(host->dom);
	store_close(host->store);
}

static int poll_timeout_ms(uint64_t next)
{
	uint64_t now = clock_us();

	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now) / 1000 + 1);
}

/* Return: false: we are asked to stop */
static bool take_signal(struct daemon *daemon)
{
	struct signalfd_siginfo signal;

	if (read(daemon->signals, &signal, sizeof(signal)) != sizeof(signal))
		return true;
	if (signal.ssi_signo != SIGHUP)
		return false;
	log_info("reading all policy files again");
	vifs_policy_changed(daemon->vifs);
	return true;
}

/* Until a signal asks us to stop. */
static void daemon_loop(struct daemon *daemon)
{
	struct pollfd fds[] = {
		{ .fd = store_fd(daemon->host.store), .events = POLLIN },
		{ .fd = raise_control.fd, .events = POLLIN },
		{ .fd = evt_fd(daemon->host.evt), .events = POLLIN },
		{ .fd = daemon->signals, .events = POLLIN },
		{ .fd = monitor_fd(daemon->monitor), .events = POLLIN },
		{ .fd = folder_fd(daemon->policy), .events = POLLIN },
		{ .fd = events_fd(), .events = POLLIN },
		{ .fd = -1, .events = POLLIN }, /* opened when the module is there */
	};
	struct pollfd *representor = &fds[RTE_DIM(fds) - 1];

	for (;;) {
		uint64_t count, next;
		bool links;

		control_take();
		next = RTE_MIN(vifs_run(daemon->vifs, clock_us()), power_run(clock_us()));
		representor->fd = rep_fd();
		if (poll(fds, RTE_DIM(fds), poll_timeout_ms(next)) < 0 && errno != EINTR)
			log_error("poll: %m");
		/* wake_worker() clears it; set again before looking at what it told. */
		atomic_store(&raise_control.asleep, true);
		(void)!read(raise_control.fd, &count, sizeof(count));
		events_take();
		links = monitor_take(daemon->monitor);
		if (told_take() || links)
			vifs_links_changed(daemon->vifs);
		if (folder_take(daemon->policy))
			vifs_policy_changed(daemon->vifs);
		if (!take_signal(daemon))
			return;
	}
}

int daemon_run(struct config *config)
{
	static struct daemon daemon;
	int ret;

	daemon.config = config;
	ret = daemon_start(&daemon);
	if (!ret) {
		sd_notify(0, "READY=1");
		log_info("serving domain %u's vifs with %u workers", daemon.host.own_domid,
			 daemon.host.nr_workers);
		daemon_loop(&daemon);
		sd_notify(0, "STOPPING=1");
		log_info("stopping; connected guests wait for the next start");
	} else {
		log_error("not started: %s", strerror(-ret));
	}
	daemon_stop(&daemon);
	return ret;
}
