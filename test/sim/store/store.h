/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xenstored-sim: a xenstore server for the sim bed, one thread, one epoll.
 *
 *   node.c   the tree: a table of records by path; a transaction is an overlay of records with
 *            the generation each had when it was first looked at
 *   ops.c    the requests of xs_wire.h, permissions and quota
 *   watch.c  watches and their events
 *   conn.c   connections: $SIM/xs/<domid>.sock says who is asking
 *   hvd.c    the processes of the simulated hypervisor (simhv.h): their end is noticed here
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <xen/io/xs_wire.h>

#define STORE_DOMS 1280u /* SIM_DOMS */
#define STORE_PERMS_MAX 16u

struct perm {
	uint32_t domid;
	char access; /* n r w b, as on the wire */
};

struct perms {
	uint32_t nr;
	struct perm p[STORE_PERMS_MAX];
};

/* A record. In a transaction's overlay `gen` is what it was, 0 = it did not exist. */
struct node {
	struct node *next;
	uint64_t gen;
	bool exists, modified;
	uint32_t owner_counted;
	char *value;
	uint32_t len;
	char *children; /* names, each with its 0 */
	uint32_t children_len;
	struct perms perms;
	char path[];
};

struct change {
	struct change *next;
	struct perms perms;
	bool exact; /* tell only watches of this very path */
	char path[];
};

struct table {
	struct node **bucket;
	uint32_t mask, nr;
};

struct tx {
	struct tx *next;
	uint32_t id, added;
	int err;
	struct table overlay;
	struct change *changes, **changes_end;
};

struct watch {
	struct watch *next;
	struct conn *conn;
	bool relative;
	char *path, *token;
};

struct out {
	struct out *next;
	uint32_t len, off;
	bool event;
	char data[];
};

struct source {
	int fd;
	void (*ready)(struct source *s, uint32_t events);
};

struct conn {
	struct source source;
	struct conn *next;
	uint32_t domid;
	pid_t pid; /* of the client, 0 = unknown */
	bool dead;
	uint32_t in_len;
	struct xsd_sockmsg hdr;
	char in[XENSTORE_PAYLOAD_MAX + 1];
	struct out *out, **out_end;
	uint32_t out_nr, watches, txs, next_tx;
	struct tx *tx;
};

struct quota {
	uint32_t entries, watches, transactions, node_bytes, perms, events;
};

extern struct quota quota;
extern uint32_t store_entries[STORE_DOMS]; /* nodes per owner */

/* node.c; tx NULL = outside of transactions */
void node_init(void);
struct node *node_get(struct tx *tx, const char *path); /* NULL if it does not exist */
struct node *node_create(struct tx *tx, const char *path, const struct perms *perms);
int node_set_value(struct tx *tx, struct node *n, const void *value, uint32_t len);
void node_set_perms(struct tx *tx, struct node *n, const struct perms *perms);
/* Remove with all below, telling watches; the parent's list too */
void node_remove(struct tx *tx, struct node *n);
void node_changed(struct tx *tx, struct node *n, bool exact);
bool path_parent(char *parent, const char *path);
struct tx *tx_start(struct conn *c);
struct tx *tx_find(struct conn *c, uint32_t id);
int tx_end(struct conn *c, struct tx *tx, bool commit); /* frees it; -EAGAIN on conflict */

/* watch.c */
int watch_add(struct conn *c, const char *path, const char *token, bool relative);
int watch_del(struct conn *c, const char *path, const char *token);
void watch_del_all(struct conn *c);
void watch_fire(const char *path, const struct perms *perms, bool exact);

/* ops.c */
bool perms_allow(uint32_t domid, const struct perms *perms, bool write);
void ops_handle(struct conn *c);

/* conn.c */
int loop_init(void);
int loop_add(struct source *s, uint32_t events);
void loop_mod(struct source *s, uint32_t events);
void loop_del(struct source *s);
void loop_run(void);
int conn_listen(uint32_t domid);    /* the socket of a domain appears */
void conn_unlisten(uint32_t domid); /* it goes, with its connections */
void conn_send(struct conn *c, uint32_t type, uint32_t req, uint32_t tx, const void *data,
	       uint32_t len);
void conn_free_dead(void);
bool conn_is_introduced(uint32_t domid);
int socket_listen(const char *path, int type);

/* hvd.c */
int hvd_init(void);
void hvd_free_dead(void);

#endif
