/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "base/thread.h"
#include "idle_poll.h"
#include "log.h"
#include "path/merge.h"
#include "privileges.h"
#include "xen/evt.h"

LOG_TAG("worker");
SYSCALLS("epoll_create1", "epoll_ctl", "epoll_pwait2", "epoll_wait");

#define EPOLL_BATCH 32
#define PATHS_MAX 4096u

/* A function to be executed in the worker; lives on the control thread's stack. */
struct call {
	int (*fn)(struct worker *worker, void *arg);
	void *arg;
	int result;
	sem_t done;
};

/**
 * struct worker - worker: all fields while the thread runs, except
 * @call:     control: puts one in, worker: takes it out
 * @nr_paths: worker: w, control: r
 * @busy_us:  worker: w, control: r
 * @moved:    the last pass moved frames
 * @look_us:  when each path is to be polled next while others move frames, beside one another: it
 *            costs nothing to find that most are still
 * @node:     NUMA node; control
 */
struct worker {
	pthread_t thread;
	struct wake wake;
	_Atomic(struct call *) call;
	int epoll;
	struct idle_poll idle_poll;
	int node;
	int cpu;
	bool stop;
	bool held;
	bool moved;
	_Atomic uint64_t busy_us;
	struct path_tools tools;
	_Atomic uint32_t nr_paths;
	struct path *paths[PATHS_MAX];
	uint64_t look_us[PATHS_MAX];
	uint32_t nr_nics;
	struct nic *nics[CONFIG_NICS_MAX];
	struct path *by_port[EVT_PORTS_MAX];
};

static struct worker *workers[CONFIG_WORKERS_MAX];

/* From the processor's counter, which is cheap to read; only differences mean anything. */
static uint64_t tsc_us(void)
{
	return rte_get_timer_cycles() / (rte_get_timer_hz() / 1000000u);
}

/*
 * @events: EPOLLIN; with EPOLLET for a port: frames that a guest does not fetch stay in the port and
 * must not keep its descriptor ready for ever.
 */
static void poll_add(struct worker *worker, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (fd >= 0 && epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) && errno != EEXIST)
		log_warn("cannot wait for descriptor %d: %m", fd);
}

static void poll_remove(struct worker *worker, int fd)
{
	if (fd >= 0)
		epoll_ctl(worker->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* A pass has taken as long as it is until the next one. */
static void take_time(struct worker *worker)
{
	uint64_t now_us = tsc_us();

	if (worker->moved)
		atomic_store_explicit(&worker->busy_us,
				      atomic_load_explicit(&worker->busy_us, memory_order_relaxed) +
					      now_us - worker->tools.now_us,
				      memory_order_relaxed);
	worker->tools.now_us = now_us;
}

/*
 * One pass over everything; after one that moved frames, over what may have something to do.
 * *@wait: us until a channel that is held back gets its turn.
 */
static unsigned int worker_pass(struct worker *worker, uint64_t *wait)
{
	unsigned int frames = 0;
	uint64_t now_us;

	take_time(worker);
	now_us = worker->moved ? worker->tools.now_us : UINT64_MAX;
	*wait = PATH_IDLE;
	worker->moved = false;
	if (worker->held)
		return 0;
	for (uint32_t i = 0; i < worker->nr_nics; i++)
		frames += nic_uplink_poll(worker->nics[i]);
	for (uint32_t i = 0; i < worker->nr_paths; i++) {
		struct path *path = worker->paths[i];
		unsigned int moved;
		uint64_t held;

		if (now_us < worker->look_us[i] || !path_is_polled(path))
			continue;
		moved = path_poll(path, &worker->tools);
		worker->look_us[i] = path_look_us(path);
		held = path_unmask(path, &worker->tools, moved > 0);
		if (held < *wait)
			*wait = held;
		frames += moved;
	}
	worker->moved = frames;
	return frames;
}

static void take_call(struct worker *worker)
{
	struct call *call;

	/* an exchange waits for all stores before it, every pass */
	if (!atomic_load_explicit(&worker->call, memory_order_relaxed))
		return;
	call = atomic_exchange(&worker->call, NULL);
	call->result = call->fn(worker, call->arg);
	sem_post(&call->done);
}

/* Which channels rang? They stay masked until path_unmask(). */
static void take_events(struct worker *worker)
{
	for (int i = 0; i < EPOLL_BATCH * 4; i++) {
		int port = evt_pending(worker->tools.evt);

		if (port < 0)
			return;
		if ((uint32_t)port < EVT_PORTS_MAX && worker->by_port[port])
			path_rang(worker->by_port[port], (uint32_t)port);
	}
}

static uint64_t arm(struct worker *worker, uint64_t wait)
{
	if (worker->held)
		return PATH_IDLE;
	for (uint32_t i = 0; i < worker->nr_nics; i++) {
		uint64_t uplink_wait = nic_uplink_timed_us(worker->nics[i]);

		if (uplink_wait && uplink_wait < wait)
			wait = uplink_wait;
	}
	for (uint32_t i = 0; i < worker->nr_paths; i++) {
		uint64_t path_wait;

		if (!path_is_polled(worker->paths[i]))
			continue;
		path_wait = path_arm(worker->paths[i], &worker->tools);
		if (path_wait < wait)
			wait = path_wait;
	}
	return wait;
}

static void wait_for_events(struct worker *worker, uint64_t wait)
{
	struct timespec timeout = { .tv_sec = (time_t)(wait / 1000000u),
				    .tv_nsec = (long)(wait % 1000000u) * 1000 };
	struct epoll_event events[EPOLL_BATCH];
	uint64_t count;
	int nr;

	nr = epoll_pwait2(worker->epoll, events, EPOLL_BATCH, wait == PATH_IDLE ? NULL : &timeout,
			  NULL);
	for (int i = 0; i < nr; i++)
		if (events[i].data.fd == worker->wake.fd)
			(void)!read(worker->wake.fd, &count, sizeof(count));
	take_events(worker);
}

/*
 * Sleep until there is work. The order matters (wake.h, queue.h): say that we
 * sleep, ask every ring for an event, look at everything once more, wait.
 */
static void worker_sleep(struct worker *worker)
{
	uint64_t wait, held;

	atomic_store(&worker->wake.asleep, true);
	wait = arm(worker, PATH_IDLE);
	if (wait && !worker_pass(worker, &held) && !atomic_load(&worker->call))
		wait_for_events(worker, held < wait ? held : wait);
	atomic_store(&worker->wake.asleep, false);
}

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		log_warn("a worker does not stay on processor %d: %m", cpu);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	if (worker->cpu >= 0)
		stay_on(worker->cpu);
	if (rte_thread_register())
		log_warn("EAL has no slot for this thread, packet buffers are not cached");
	for (;;) {
		uint64_t held;

		take_call(worker);
		if (worker->stop)
			break;
		if (worker_pass(worker, &held)) {
			idle_poll_work(&worker->idle_poll);
			continue;
		}
		if (idle_poll_goes_on(&worker->idle_poll, worker->tools.now_us)) {
			rte_pause();
			continue;
		}
		worker_sleep(worker);
	}
	rte_thread_unregister();
	return NULL;
}

int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg)
{
	struct call call = { .fn = fn, .arg = arg };

	sem_init(&call.done, 0, 0);
	atomic_store(&worker->call, &call);
	wake_worker(&worker->wake);
	while (sem_wait(&call.done) && errno == EINTR)
		;
	sem_destroy(&call.done);
	return call.result;
}

struct path_tools *worker_tools(struct worker *worker)
{
	return &worker->tools;
}

static int do_nothing(struct worker *worker, void *arg)
{
	(void)worker;
	(void)arg;
	return 0;
}

void worker_barrier(void)
{
	for (unsigned int i = 0; i < CONFIG_WORKERS_MAX; i++)
		if (workers[i])
			worker_run(workers[i], do_nothing, NULL);
}

static int run_hold(struct worker *worker, void *arg)
{
	worker->held = *(const bool *)arg;
	return 0;
}

void worker_hold(struct worker *worker, bool held)
{
	worker_run(worker, run_hold, &held);
}

const _Atomic uint64_t *worker_busy_us(const struct worker *worker)
{
	return &worker->busy_us;
}

static int run_lcore(struct worker *worker, void *arg)
{
	(void)worker;
	(void)arg;
	return (int)rte_lcore_id();
}

unsigned int worker_lcore(struct worker *worker)
{
	return (unsigned int)worker_run(worker, run_lcore, NULL);
}

static int run_node(struct worker *worker, void *arg)
{
	(void)worker;
	(void)arg;
	return (int)rte_socket_id();
}

int worker_node(const struct worker *worker)
{
	return worker->node;
}

unsigned int worker_load(const struct worker *worker)
{
	return atomic_load_explicit(&worker->nr_paths, memory_order_relaxed);
}

static void set_channel_owner(struct worker *worker, struct path *path, struct path *owner)
{
	uint32_t ports[2 * NETIF_QUEUES_MAX];
	uint32_t nr = path_channels(path, ports);

	for (uint32_t i = 0; i < nr; i++)
		worker->by_port[ports[i]] = owner;
}

void worker_add_port(struct worker *worker, struct port *port)
{
	if (!port)
		return;
	atomic_store(&port->wake, &worker->wake);
	for (uint16_t i = 0; i < port->nr_queues; i++)
		poll_add(worker, port->ops->rx_fd(port, i), EPOLLIN | EPOLLET);
}

void worker_remove_port(struct worker *worker, struct port *port)
{
	if (!port)
		return;
	for (uint16_t i = 0; i < port->nr_queues; i++)
		poll_remove(worker, port->ops->rx_fd(port, i));
	atomic_store(&port->wake, NULL);
}

static int run_attach(struct worker *worker, void *arg)
{
	struct path *path = arg;
	int ret;

	if (worker->nr_paths == PATHS_MAX)
		return -ENOSPC;
	ret = path_attach(path, &worker->tools);
	if (ret)
		return ret;
	set_channel_owner(worker, path, path);
	worker_add_port(worker, path_get_port(path));
	worker->paths[worker->nr_paths] = path;
	worker->look_us[worker->nr_paths] = 0;
	atomic_store(&worker->nr_paths, worker->nr_paths + 1);
	return 0;
}

int worker_attach(struct worker *worker, struct path *path)
{
	return worker_run(worker, run_attach, path);
}

static int run_detach(struct worker *worker, void *arg)
{
	struct path *path = arg;

	for (uint32_t i = 0; i < worker->nr_paths; i++) {
		if (worker->paths[i] != path)
			continue;
		atomic_store(&worker->nr_paths, worker->nr_paths - 1);
		worker->paths[i] = worker->paths[worker->nr_paths];
		worker->look_us[i] = 0;
		break;
	}
	worker_remove_port(worker, path_get_port(path));
	worker_remove_port(worker, path_get_old_port(path));
	set_channel_owner(worker, path, NULL);
	path_detach(path, &worker->tools);
	return 0;
}

void worker_detach(struct worker *worker, struct path *path)
{
	worker_run(worker, run_detach, path);
}

int worker_move(struct worker *from, struct worker *to, struct path *path)
{
	int ret;

	worker_detach(from, path);
	ret = worker_attach(to, path);
	if (ret && worker_attach(from, path))
		path_fault(path, "event channels cannot be bound again");
	return ret;
}

static int run_attach_nic(struct worker *worker, void *arg)
{
	struct nic *nic = arg;

	if (!nic_has_uplink(nic))
		return 0;
	if (worker->nr_nics == CONFIG_NICS_MAX)
		return -ENOSPC;
	worker->nics[worker->nr_nics++] = nic;
	nic_uplink_attach(nic, &worker->wake);
	poll_add(worker, nic_uplink_fd(nic), EPOLLIN | EPOLLET);
	return 0;
}

int worker_attach_nic(struct worker *worker, struct nic *nic)
{
	return worker_run(worker, run_attach_nic, nic);
}

static int run_detach_nic(struct worker *worker, void *arg)
{
	struct nic *nic = arg;

	for (uint32_t i = 0; i < worker->nr_nics; i++)
		if (worker->nics[i] == nic)
			worker->nics[i--] = worker->nics[--worker->nr_nics];
	poll_remove(worker, nic_uplink_fd(nic));
	nic_uplink_attach(nic, NULL);
	return 0;
}

void worker_detach_nic(struct worker *worker, struct nic *nic)
{
	worker_run(worker, run_detach_nic, nic);
}

static int run_stop(struct worker *worker, void *arg)
{
	(void)arg;
	worker->stop = true;
	return 0;
}

static void worker_free(struct worker *worker)
{
	merge_close(worker->tools.merge);
	offload_fini(&worker->tools.offload);
	evt_close(worker->tools.evt);
	gnt_close(worker->tools.gnt);
	if (worker->wake.fd >= 0)
		close(worker->wake.fd);
	if (worker->epoll >= 0)
		close(worker->epoll);
	free(worker);
}

static int worker_open(struct worker *worker, unsigned int index, struct rte_mempool *pool)
{
	char name[16];

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	worker->tools.pool = pool;
	worker->tools.merge = merge_open();
	worker->tools.evt = evt_open();
	worker->tools.gnt = gnt_open();
	if (worker->epoll < 0 || worker->wake.fd < 0 || !worker->tools.evt || !worker->tools.gnt)
		return -errno;
	if (!worker->tools.merge)
		return -ENOMEM;
	poll_add(worker, worker->wake.fd, EPOLLIN);
	poll_add(worker, evt_fd(worker->tools.evt), EPOLLIN);
	snprintf(name, sizeof(name), "worker%u", index);
	return offload_init(&worker->tools.offload, pool, name, OFFLOAD_MBUFS);
}

static int worker_spawn(struct worker *worker, unsigned int index)
{
	char name[16];

	snprintf(name, sizeof(name), "vifd-worker%u", index);
	return thread_start(&worker->thread, name, worker_main, worker);
}

struct worker *worker_start(unsigned int index, uint32_t poll_us, int cpu, struct rte_mempool *pool)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret;

	if (!worker)
		return NULL;
	idle_poll_init(&worker->idle_poll, poll_us);
	worker->cpu = cpu;
	ret = worker_open(worker, index, pool);
	if (!ret)
		ret = worker_spawn(worker, index);
	if (ret) {
		log_error("worker %u does not start: %s", index, strerror(-ret));
		worker_free(worker);
		errno = -ret;
		return NULL;
	}
	workers[index] = worker;
	worker->node = worker_run(worker, run_node, NULL);
	return worker;
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	worker_run(worker, run_stop, NULL);
	pthread_join(worker->thread, NULL);
	for (unsigned int i = 0; i < CONFIG_WORKERS_MAX; i++)
		if (workers[i] == worker)
			workers[i] = NULL;
	worker_free(worker);
}
