/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simhv: the simulated hypervisor of the sim bed.
 *
 * One file, $VIFD_SIM/hv, is mapped by every process: domains, their grant tables, event
 * channels and, after those, their memory. All state is in the file; a process keeps only
 * addresses and descriptors. What a kernel would do when a process dies (end its grant
 * mappings, close its event channels) is done by the daemon xenstored-sim: every process holds
 * a connection to $VIFD_SIM/hv.sock, and the end of that connection is the end of the process.
 *
 *   grants   one 64-bit word each, read and changed atomically, so that a grant copy is one
 *            load, a few comparisons and memcpy: no system call, no lock
 *   events   a pending bit per port, a bitmap of ports per handle, and one FIFO per handle
 *            that holds a byte exactly while the bitmap is not empty: it is what is polled
 *
 * Not protected against: a process that writes to the file by hand. A guest's memory is its
 * own, but the tables trust whoever maps them. A grant copy does not pin the grant, so a guest
 * may revoke one while it is being copied (Xen would answer "in use" for that moment).
 */
#ifndef SIM_SIMHV_H
#define SIM_SIMHV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/types.h>

#define SIM_PAGE 4096u
#define SIM_DOMS 1280u	     /* domain ids 0..1279 */
#define SIM_DOM_PAGES 65536u /* 256 MiB of memory each, allocated on first touch */
#define SIM_GRANTS 65536u
#define SIM_PORTS 8192u
#define SIM_HANDLES 2048u /* open event channel handles, all processes */
#define SIM_PROCS 256u
#define SIM_PROC_MAPS 65536u /* pages that one process may have mapped */
#define SIM_PROC_GNT 64u     /* grant handles of one process with counters of their own */

#define SIM_MAGIC 0x76696664u
#define SIM_VERSION 5u

/* A grant: [15:0] domain that may use it, [31:16] page, flags, [45:34] readers, [61:50] writers */
#define SIM_GNT_PERMIT (1ull << 32)
#define SIM_GNT_READONLY (1ull << 33)
#define SIM_GNT_READER (1ull << 34)
#define SIM_GNT_WRITER (1ull << 48)
#define SIM_GNT_RESERVED (1ull << 62)
#define SIM_GNT_READERS(w) (((w) >> 34) & 0x3fff)
#define SIM_GNT_WRITERS(w) (((w) >> 48) & 0x3fff)
#define SIM_GNT_DOMID(w) ((uint32_t)((w)&0xffff))
#define SIM_GNT_GFN(w) ((uint32_t)(((w) >> 16) & 0xffff))

enum sim_dom_state { SIM_DOM_FREE, SIM_DOM_LIVE, SIM_DOM_DYING };
enum sim_dom_type { SIM_DOM_PV, SIM_DOM_HVM, SIM_DOM_PVH };

enum sim_port_state { SIM_PORT_FREE, SIM_PORT_UNBOUND, SIM_PORT_INTERDOMAIN, SIM_PORT_VIRQ };

#define SIM_EVT_PENDING 1u
#define SIM_EVT_MASKED 2u

struct sim_port {
	_Atomic uint32_t state;	 /* enum sim_port_state; changed under the lock */
	_Atomic uint32_t flags;	 /* SIM_EVT_* */
	_Atomic uint32_t remote; /* domain << 16 | port; unbound: domain << 16 */
	_Atomic uint32_t handle; /* index + 1 of the handle that waits for it, 0 = none */
};

struct sim_dom {
	_Atomic uint32_t state;
	uint32_t type;
	_Atomic uint32_t shutdown; /* 0 or 1 + reason */
	_Atomic uint32_t maps;	   /* pages of this domain that others have mapped */
	char name[64];
	uint32_t page_hint, grant_hint;
	uint64_t page_used[SIM_DOM_PAGES / 64];
	struct sim_port port[SIM_PORTS];
	_Atomic uint64_t grant[SIM_GRANTS];
};

struct sim_evh {
	_Atomic uint32_t gen; /* counts the owners of this slot */
	_Atomic uint32_t used;
	uint32_t proc, dom;
	_Atomic uint32_t signaled; /* the FIFO holds, or is about to hold, one byte */
	_Atomic uint32_t binds;
	_Atomic uint32_t words; /* of the bitmap that are in use */
	uint32_t cursor;	/* reader only: where the next search begins */
	_Atomic uint64_t bits[SIM_PORTS / 64];
};

struct sim_map {
	uint32_t ref;
	uint16_t dom;
	uint8_t used, write;
	int32_t notify_offset, notify_port; /* -1 = none */
};

struct sim_gnt_stats {
	_Atomic uint64_t calls, segments, bytes, errors;
	uint64_t pad[4];
};

struct sim_proc {
	_Atomic uint32_t used;
	int32_t pid;
	char name[32];
	_Atomic uint32_t maps;	/* pages mapped now */
	_Atomic uint32_t binds; /* event channels bound now */
	_Atomic uint64_t maps_total, notifies;
	_Atomic uint64_t store_requests; /* counted by the store */
	_Atomic uint32_t gnt_handles;
	struct sim_gnt_stats gnt[SIM_PROC_GNT];
	struct sim_map map[SIM_PROC_MAPS];
};

struct simhv {
	uint32_t magic, version;
	pthread_mutex_t lock; /* for everything slow: ports, pages, references, domains */
	_Atomic uint32_t last_domid;
	struct sim_evh evh[SIM_HANDLES];
	struct sim_proc proc[SIM_PROCS];
	struct sim_dom dom[SIM_DOMS];
};

#define SIM_MEM_OFFSET ((sizeof(struct simhv) + SIM_PAGE - 1) / SIM_PAGE * SIM_PAGE)
#define SIM_DOM_BYTES ((size_t)SIM_DOM_PAGES * SIM_PAGE)
#define SIM_FILE_BYTES (SIM_MEM_OFFSET + SIM_DOM_BYTES * SIM_DOMS)

extern struct simhv *simhv;

/* simhv.c: the file, processes and domains. Calls return 0 or -errno unless they say otherwise. */

/** simhv_dir() - Directory of the bed: $VIFD_SIM, else two levels above $XENSTORED_PATH, or NULL */
const char *simhv_dir(void);
/** simhv_create() - Make $VIFD_SIM/hv with domain 0 in it and map it; the daemon's call */
int simhv_create(void);
/** simhv_attach() - Map the file and register this process; again is free. Any thread, may block */
int simhv_attach(void);
/** simhv_self() - This process' slot, once attached */
struct sim_proc *simhv_self(void);
/** simhv_domid() - The domain this process plays: $VIFD_SIM_DOMID, default 0 */
uint32_t simhv_domid(void);
/** simhv_mem() - First byte of a domain's memory in this process, mapped on first use, or NULL */
uint8_t *simhv_mem(uint32_t domid);
int simhv_fd(void);
void simhv_lock(void);
void simhv_unlock(void);
/** simhv_hypercall() - Spend the simulated cost of a hypercall ($VIFD_SIM_HYPERCALL_NS, default 0) */
void simhv_hypercall(void);
/** simhv_proc_cleanup() - End all maps and event channels of a process that is gone (daemon) */
void simhv_proc_cleanup(uint32_t proc);

/** simhv_dom_create() - New domain; @domid 0 picks one. Return: its id or -errno */
int simhv_dom_create(uint32_t domid, enum sim_dom_type type, const char *name);
/** simhv_dom_destroy() - Close its channels, revoke its grants; it stays "dying" while mapped */
int simhv_dom_destroy(uint32_t domid);
bool simhv_dom_is_live(uint32_t domid);
/** simhv_dom_reset() - Forget pages and grants a former guest process of this domain left */
void simhv_dom_reset(uint32_t domid);
/** simhv_page_alloc() - @nr contiguous pages of a domain. Return: first page or -ENOMEM */
int simhv_page_alloc(uint32_t domid, uint32_t nr);
void simhv_page_free(uint32_t domid, uint32_t gfn, uint32_t nr);

/* gnt.c: grants. The granting side: */

/** simhv_grant_alloc() - A free grant reference of @domid, reserved. Return: it, or -ENOSPC */
int simhv_grant_alloc(uint32_t domid);
void simhv_grant_free(uint32_t domid, uint32_t ref);
/** simhv_grant_access() - Let @to use page @gfn of @domid through @ref */
static inline void simhv_grant_access(uint32_t domid, uint32_t ref, uint32_t to, uint32_t gfn,
				      bool readonly)
{
	uint64_t w = SIM_GNT_RESERVED | SIM_GNT_PERMIT | to | (uint64_t)gfn << 16;

	atomic_store_explicit(&simhv->dom[domid].grant[ref], w | (readonly ? SIM_GNT_READONLY : 0),
			      memory_order_release);
}
/** simhv_grant_end() - Revoke. Return: false while someone has it mapped ("still in use") */
bool simhv_grant_end(uint32_t domid, uint32_t ref);

/* The using side. @local is the domain that asks. Status is one of GNTST_*. */
int simhv_grant_map(uint32_t local, uint32_t domid, uint32_t ref, bool write, uint32_t *gfn);
void simhv_grant_unmap(uint32_t domid, uint32_t ref, bool write);

/* evt.c: event channels */

/** simhv_evh_open() - New handle of domain @domid. Return: index or -errno; *@fd is to be polled */
int simhv_evh_open(uint32_t domid, int *fd);
void simhv_evh_close(uint32_t evh, int fd);
/** simhv_evh_next() - Take the next pending port, masking it. Return: port, or -EAGAIN if none */
int simhv_evh_next(uint32_t evh, int fd);
int simhv_port_alloc_unbound(uint32_t evh, uint32_t remote);
int simhv_port_bind(uint32_t evh, uint32_t remote, uint32_t remote_port);
int simhv_port_bind_virq(uint32_t evh);
int simhv_port_unbind(uint32_t evh, uint32_t port);
int simhv_port_notify(uint32_t evh, uint32_t port);
int simhv_port_unmask(uint32_t evh, uint32_t port);
/** simhv_port_notify_raw() - Ring the other end of a domain's port, whoever owns it */
int simhv_port_notify_raw(uint32_t domid, uint32_t port);
/* Both with the lock held */
void simhv_port_close(uint32_t domid, uint32_t port);
void simhv_evh_cleanup(uint32_t evh);

#endif
