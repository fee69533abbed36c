/* SPDX-License-Identifier: BSD-3-Clause */
/* What is below frontend/dpdk: xengntshr_*, xenevtchn_*, and the waiting of its threads. */
#include "fake_kernel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "fake_back.h"
#include "frontend/dpdk/pmd.h"

#define PORTS 256u
#define PORT_FIRST 10u

uint32_t fake_grants_left, fake_grants, fake_grants_writable;
uint64_t fake_now_us, fake_held_us;
void (*fake_idle)(struct xf_port *port);

static struct {
	uint8_t *page;
	bool writable;
} grants[FAKE_REFS];
static uint32_t last_ref;

static struct {
	xenevtchn_handle *handle;
	bool pending;
	uint32_t notified;
} ports[PORTS];

struct xenevtchn_handle {
	int fd;
};

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
typedef uint32_t watcher_main(void *arg);
#else
typedef void *watcher_main(void *arg);
#endif

static struct {
	watcher_main *run;
	struct xf_port *port;
	bool running;
} watcher;
static uint64_t held_us; /* without a break until now */

void fake_kernel_new(void)
{
	fake_grants_left = FAKE_REFS;
	memset(&watcher, 0, sizeof(watcher));
	fake_held_us = held_us = 0;
	fake_idle = NULL;
}

void fake_kernel_end(void)
{
	for (uint32_t i = 0; i < PORTS; i++)
		assert_null(ports[i].handle);
}

uint8_t *fake_page(uint32_t ref)
{
	assert_true(ref < FAKE_REFS && grants[ref].page);
	return grants[ref].page;
}

/* --- grants: each allocation is followed by a page that nobody may touch --- */

static int gntshr;

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	return (xengntshr_handle *)&gntshr;
}

int xengntshr_close(xengntshr_handle *handle)
{
	(void)handle;
	return 0;
}

void *xengntshr_share_pages(xengntshr_handle *handle, uint32_t domid, int count, uint32_t *refs,
			    int writable)
{
	size_t bytes = (size_t)count * NETIF_PAGE_SIZE;
	uint8_t *at;

	(void)handle;
	assert_int_equal(domid, 0);
	if ((uint32_t)count > fake_grants_left) {
		errno = ENOSPC;
		return NULL;
	}
	at = mmap(NULL, bytes + NETIF_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED && !mprotect(at, bytes, PROT_READ | PROT_WRITE));
	for (int i = 0; i < count; i++) {
		while (grants[++last_ref % FAKE_REFS].page)
			;
		refs[i] = last_ref % FAKE_REFS;
		grants[refs[i]].page = at + (size_t)i * NETIF_PAGE_SIZE;
		grants[refs[i]].writable = writable;
	}
	fake_grants_left -= (uint32_t)count;
	fake_grants += (uint32_t)count;
	fake_grants_writable += writable ? (uint32_t)count : 0;
	return at;
}

int xengntshr_unshare(xengntshr_handle *handle, void *start, uint32_t count)
{
	uint8_t *from = start, *to = from + (size_t)count * NETIF_PAGE_SIZE;
	uint32_t found = 0;

	(void)handle;
	for (uint32_t i = 0; i < FAKE_REFS; i++) {
		if (!grants[i].page || grants[i].page < from || grants[i].page >= to)
			continue;
		grants[i].page = NULL;
		fake_grants_writable -= grants[i].writable;
		found++;
	}
	assert_int_equal(found, count);
	fake_grants -= count;
	fake_grants_left += count;
	return munmap(start, (size_t)count * NETIF_PAGE_SIZE + NETIF_PAGE_SIZE);
}

/* --- channels --- */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	xenevtchn_handle *handle = malloc(sizeof(*handle));

	(void)logger, (void)flags;
	assert_non_null(handle);
	handle->fd = eventfd(0, EFD_NONBLOCK);
	return handle;
}

int xenevtchn_close(xenevtchn_handle *handle)
{
	for (uint32_t i = 0; i < PORTS; i++)
		if (ports[i].handle == handle)
			memset(&ports[i], 0, sizeof(ports[i]));
	close(handle->fd);
	free(handle);
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
	return handle->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
	assert_int_equal(domid, 0);
	for (uint32_t i = PORT_FIRST; i < PORTS; i++) {
		if (ports[i].handle)
			continue;
		ports[i].handle = handle;
		return (int)i;
	}
	errno = ENOSPC;
	return -1;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
	assert_true(port < PORTS && ports[port].handle == handle);
	ports[port].notified++;
	if (!fake_back.late_ms)
		fake_back_control(port);
	fake_back.sent_us = fake_now_us;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
	eventfd_t count;

	for (uint32_t i = 0; i < PORTS; i++) {
		if (ports[i].handle != handle || !ports[i].pending)
			continue;
		ports[i].pending = false;
		return (int)i;
	}
	eventfd_read(handle->fd, &count);
	errno = EAGAIN;
	return -1;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
	assert_true(port < PORTS && ports[port].handle == handle);
	return 0;
}

void fake_ring(uint32_t port)
{
	assert_true(port < PORTS && ports[port].handle);
	ports[port].pending = true;
	eventfd_write(ports[port].handle->fd, 1);
}

uint32_t fake_notified(uint32_t port)
{
	uint32_t nr = ports[port].notified;

	ports[port].notified = 0;
	return nr;
}

/* --- waiting --- */

int __wrap_pthread_join(pthread_t thread, void **result);
int __real_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __wrap_usleep(useconds_t us);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
int __wrap_rte_thread_create_control(rte_thread_t *thread, const char *name, watcher_main *run,
				     void *arg);

int __wrap_rte_thread_create_control(rte_thread_t *thread, const char *name, watcher_main *run,
				     void *arg)
{
	(void)name;
	thread->opaque_id = (uintptr_t)pthread_self();
	watcher.run = run;
	watcher.port = arg;
	return 0;
}
#else
int __wrap_rte_ctrl_thread_create(pthread_t *thread, const char *name, const pthread_attr_t *attr,
				  watcher_main *run, void *arg);

int __wrap_rte_ctrl_thread_create(pthread_t *thread, const char *name, const pthread_attr_t *attr,
				  watcher_main *run, void *arg)
{
	(void)name, (void)attr;
	*thread = pthread_self();
	watcher.run = run;
	watcher.port = arg;
	return 0;
}
#endif

int __wrap_pthread_join(pthread_t thread, void **result)
{
	(void)thread, (void)result;
	memset(&watcher, 0, sizeof(watcher));
	return 0;
}

/* Once round the watcher's loop: its second poll() ends it */
void fake_watch(void)
{
	assert_non_null(watcher.run);
	fake_back_turn();
	watcher.running = false;
	watcher.run(watcher.port);
	watcher.port->stop_watcher = false;
	fake_back_turn();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*t = (struct timespec){ .tv_sec = (time_t)(fake_now_us / 1000000),
				.tv_nsec = (long)(fake_now_us % 1000000 * 1000) };
	return 0;
}

static bool is_free(pthread_mutex_t *lock)
{
	if (pthread_mutex_trylock(lock))
		return false;
	pthread_mutex_unlock(lock);
	return true;
}

static void pass(uint64_t us)
{
	fake_now_us += us;
	held_us = !watcher.port || is_free(&watcher.port->lock) ? 0 : held_us + us;
	if (held_us > fake_held_us)
		fake_held_us = held_us;
	if (watcher.port && fake_idle)
		fake_idle(watcher.port);
}

/* Return: descriptors that are ready, later if a late answer is on its way */
static int poll_late(struct pollfd *fds, nfds_t nr, int timeout)
{
	int ready = __real_poll(fds, nr, 0);

	if (ready)
		return ready;
	pass((uint64_t)timeout * 1000);
	if (fake_back.late_ms && fake_now_us >= fake_back.sent_us + fake_back.late_ms * 1000)
		fake_back_control(fake_back.ctrl_port);
	return __real_poll(fds, nr, 0);
}

int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	if (watcher.port && nr == 2 && fds[1].fd == watcher.port->watcher_wake) {
		watcher.port->stop_watcher = watcher.running;
		if (watcher.running)
			return 1; /* woken, to end */
		watcher.running = true;
		return __real_poll(fds, nr, 0) + fake_xs_readable();
	}
	return poll_late(fds, nr, timeout);
}

int __wrap_usleep(useconds_t us)
{
	fake_back_turn();
	pass(us);
	if (watcher.run && is_free(&watcher.port->life) && is_free(&watcher.port->lock))
		fake_watch();
	return 0;
}
