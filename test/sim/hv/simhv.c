// SPDX-License-Identifier: BSD-3-Clause
/*
 * The file that is the simulated machine: creating it, mapping it, processes and domains.
 * Theory and limits are in simhv.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "simhv.h"

struct simhv *simhv;

static int file_fd = -1, daemon_fd = -1;
static uint32_t self_slot;
static _Atomic(uint8_t *) mem[SIM_DOMS];
static pthread_mutex_t attach_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t hypercall_ns;

const char *simhv_dir(void)
{
	static char dir[PATH_MAX];
	const char *env = getenv("VIFD_SIM"), *xs = getenv("XENSTORED_PATH");

	if (env && *env)
		return env;
	if (!xs || strlen(xs) >= sizeof(dir))
		return NULL;
	strcpy(dir, xs);
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(dir, '/');

		if (!slash)
			return NULL;
		*slash = 0;
	}
	return dir;
}

static int file_open(int flags)
{
	char path[PATH_MAX];

	if (!simhv_dir())
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/hv", simhv_dir());
	file_fd = open(path, flags | O_RDWR | O_CLOEXEC, 0666);
	return file_fd < 0 ? -errno : 0;
}

static int file_map(void)
{
	void *at = mmap(NULL, SIM_MEM_OFFSET, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			file_fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	simhv = at;
	return 0;
}

static void lock_init(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&simhv->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int simhv_create(void)
{
	int err = file_open(O_CREAT | O_TRUNC);

	if (err)
		return err;
	if (fchmod(file_fd, 0666) < 0 || ftruncate(file_fd, SIM_FILE_BYTES) < 0)
		return -errno;
	err = file_map();
	if (err)
		return err;
	lock_init();
	simhv->dom[0].state = SIM_DOM_LIVE;
	simhv->dom[0].port[0].state = SIM_PORT_VIRQ; /* port 0 is never handed out */
	strcpy(simhv->dom[0].name, "Domain-0");
	/* Slot 0 is the daemon's own, so that the owner of a handle is never "nobody" */
	simhv->proc[0].used = 1;
	simhv->proc[0].pid = getpid();
	strcpy(simhv->proc[0].name, "xenstored-sim");
	simhv->version = SIM_VERSION;
	simhv->magic = SIM_MAGIC;
	return 0;
}

static int daemon_register(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/hv.sock", simhv_dir());

	if (n >= (int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	daemon_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (daemon_fd < 0)
		return -errno;
	if (connect(daemon_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (recv(daemon_fd, &self_slot, sizeof(self_slot), 0) != sizeof(self_slot))
		return -EAGAIN;
	return 0;
}

static int attach(void)
{
	const char *ns = getenv("VIFD_SIM_HYPERCALL_NS");
	int err = file_open(0);

	if (!err)
		err = file_map();
	if (!err && (simhv->magic != SIM_MAGIC || simhv->version != SIM_VERSION))
		err = -EPROTO;
	if (!err)
		err = daemon_register();
	if (err) {
		fprintf(stderr, "sim: cannot attach to %s/hv: %s (is xenstored-sim running?)\n",
			simhv_dir() ? simhv_dir() : "$VIFD_SIM", strerror(-err));
		if (simhv)
			munmap(simhv, SIM_MEM_OFFSET);
		simhv = NULL;
		if (file_fd >= 0)
			close(file_fd);
		if (daemon_fd >= 0)
			close(daemon_fd);
		file_fd = daemon_fd = -1;
		return err;
	}
	hypercall_ns = ns ? strtoull(ns, NULL, 10) : 0;
	return 0;
}

int simhv_attach(void)
{
	int err = 0;

	pthread_mutex_lock(&attach_lock);
	if (!simhv)
		err = attach();
	pthread_mutex_unlock(&attach_lock);
	return err;
}

struct sim_proc *simhv_self(void)
{
	return &simhv->proc[self_slot];
}

uint32_t simhv_domid(void)
{
	const char *env = getenv("VIFD_SIM_DOMID");
	unsigned long id = env ? strtoul(env, NULL, 10) : 0;

	return id < SIM_DOMS ? (uint32_t)id : 0;
}

int simhv_fd(void)
{
	return file_fd;
}

static uint8_t *mem_map(uint32_t domid)
{
	uint8_t *at;

	pthread_mutex_lock(&attach_lock);
	at = atomic_load(&mem[domid]);
	if (!at) {
		at = mmap(NULL, SIM_DOM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			  file_fd, (off_t)(SIM_MEM_OFFSET + domid * SIM_DOM_BYTES));
		if (at == MAP_FAILED)
			at = NULL;
		atomic_store(&mem[domid], at);
	}
	pthread_mutex_unlock(&attach_lock);
	return at;
}

uint8_t *simhv_mem(uint32_t domid)
{
	uint8_t *at = atomic_load_explicit(&mem[domid], memory_order_acquire);

	return at ? at : mem_map(domid);
}

void simhv_lock(void)
{
	/* The former owner was killed: every change under the lock is a single step, go on */
	if (pthread_mutex_lock(&simhv->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&simhv->lock);
}

void simhv_unlock(void)
{
	pthread_mutex_unlock(&simhv->lock);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void simhv_hypercall(void)
{
	uint64_t end;

	if (!hypercall_ns)
		return;
	for (end = now_ns() + hypercall_ns; now_ns() < end;)
		;
}

static void map_end(struct sim_map *map)
{
	uint8_t *at = simhv_mem(map->dom);
	uint32_t gfn = SIM_GNT_GFN(atomic_load(&simhv->dom[map->dom].grant[map->ref]));

	if (map->notify_offset >= 0 && at)
		at[gfn * SIM_PAGE + (uint32_t)map->notify_offset] = 0;
	if (map->notify_port >= 0)
		simhv_port_notify_raw(0, (uint32_t)map->notify_port);
	simhv_grant_unmap(map->dom, map->ref, map->write);
	map->used = 0;
}

void simhv_proc_cleanup(uint32_t slot)
{
	struct sim_proc *proc = &simhv->proc[slot];
	uint32_t left = proc->maps;

	for (uint32_t i = 0; left && i < SIM_PROC_MAPS; i++) {
		if (!proc->map[i].used)
			continue;
		map_end(&proc->map[i]);
		left--;
	}
	simhv_lock();
	for (uint32_t i = 0; i < SIM_HANDLES; i++)
		if (simhv->evh[i].used && simhv->evh[i].proc == slot)
			simhv_evh_cleanup(i);
	simhv_unlock();
	memset((void *)proc, 0, offsetof(struct sim_proc, map));
}

static void mem_punch(uint32_t domid)
{
	fallocate(file_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)(SIM_MEM_OFFSET + domid * SIM_DOM_BYTES), SIM_DOM_BYTES);
}

/* A dying domain ends when nobody has its pages mapped any more; its memory is free then */
static bool dom_reap(uint32_t domid)
{
	struct sim_dom *dom = &simhv->dom[domid];

	if (dom->state == SIM_DOM_DYING && dom->maps == 0) {
		mem_punch(domid);
		dom->state = SIM_DOM_FREE;
	}
	return dom->state == SIM_DOM_FREE;
}

int simhv_dom_create(uint32_t domid, enum sim_dom_type type, const char *name)
{
	struct sim_dom *dom;

	if (domid >= SIM_DOMS)
		return -EINVAL;
	simhv_lock();
	for (uint32_t i = 0; !domid && i < SIM_DOMS; i++) {
		uint32_t id = (simhv->last_domid + i) % (SIM_DOMS - 1) + 1;

		if (dom_reap(id))
			domid = id;
	}
	if (!domid || !dom_reap(domid)) {
		simhv_unlock();
		return domid ? -EEXIST : -ENOSPC;
	}
	dom = &simhv->dom[domid];
	memset((void *)dom, 0, sizeof(*dom));
	dom->type = type;
	snprintf(dom->name, sizeof(dom->name), "%s", name);
	dom->port[0].state = SIM_PORT_VIRQ;
	simhv->last_domid = domid;
	dom->state = SIM_DOM_LIVE;
	simhv_unlock();
	return (int)domid;
}

static void grants_revoke(uint32_t domid)
{
	for (uint32_t ref = 0; ref < SIM_GRANTS; ref++)
		atomic_fetch_and(&simhv->dom[domid].grant[ref], ~SIM_GNT_PERMIT);
}

int simhv_dom_destroy(uint32_t domid)
{
	struct sim_dom *dom = &simhv->dom[domid];

	if (!domid || domid >= SIM_DOMS || dom->state != SIM_DOM_LIVE)
		return -ESRCH;
	simhv_lock();
	dom->state = SIM_DOM_DYING;
	for (uint32_t p = 1; p < SIM_PORTS; p++)
		if (dom->port[p].state != SIM_PORT_FREE)
			simhv_port_close(domid, p);
	grants_revoke(domid);
	/* of others, too: a back end may have unmapped their last pages meanwhile */
	for (uint32_t id = 1; id < SIM_DOMS; id++)
		dom_reap(id);
	simhv_unlock();
	return 0;
}

bool simhv_dom_is_live(uint32_t domid)
{
	return domid < SIM_DOMS && simhv->dom[domid].state == SIM_DOM_LIVE;
}

void simhv_dom_reset(uint32_t domid)
{
	struct sim_dom *dom = &simhv->dom[domid];

	for (uint32_t ref = 0; ref < SIM_GRANTS; ref++)
		if (atomic_load(&dom->grant[ref]))
			simhv_grant_end(domid, ref);
	simhv_lock();
	if (dom->maps == 0)
		memset(dom->page_used, 0, sizeof(dom->page_used));
	simhv_unlock();
}

static bool page_is_used(struct sim_dom *dom, uint32_t gfn)
{
	return dom->page_used[gfn / 64] >> gfn % 64 & 1;
}

static void pages_mark(struct sim_dom *dom, uint32_t gfn, uint32_t nr, bool used)
{
	for (; nr; nr--, gfn++) {
		if (used)
			dom->page_used[gfn / 64] |= 1ull << gfn % 64;
		else
			dom->page_used[gfn / 64] &= ~(1ull << gfn % 64);
	}
}

static int pages_find(struct sim_dom *dom, uint32_t from, uint32_t nr)
{
	uint32_t run = 0;

	for (uint32_t gfn = from; gfn < SIM_DOM_PAGES; gfn++) {
		run = page_is_used(dom, gfn) ? 0 : run + 1;
		if (run == nr)
			return (int)(gfn + 1 - nr);
	}
	return -ENOMEM;
}

int simhv_page_alloc(uint32_t domid, uint32_t nr)
{
	struct sim_dom *dom = &simhv->dom[domid];
	int gfn;

	simhv_lock();
	gfn = pages_find(dom, dom->page_hint, nr);
	if (gfn < 0)
		gfn = pages_find(dom, 0, nr);
	if (gfn >= 0) {
		pages_mark(dom, (uint32_t)gfn, nr, true);
		dom->page_hint = (uint32_t)gfn + nr;
	}
	simhv_unlock();
	return gfn;
}

void simhv_page_free(uint32_t domid, uint32_t gfn, uint32_t nr)
{
	simhv_lock();
	pages_mark(&simhv->dom[domid], gfn, nr, false);
	if (gfn < simhv->dom[domid].page_hint)
		simhv->dom[domid].page_hint = gfn;
	simhv_unlock();
}
