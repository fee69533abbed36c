// SPDX-License-Identifier: BSD-3-Clause
/* The requests of the xenstore protocol: permissions and answers */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

struct quota quota = {
	.entries = 1000,
	.watches = 128,
	.transactions = 10,
	.node_bytes = 2048,
	.perms = 5,
	.events = 1024,
};

struct req {
	struct conn *c;
	struct tx *tx;
	char *data;
	uint32_t len;
	char path[XENSTORE_ABS_PATH_MAX + 1]; /* absolute, once path_get() was called */
	bool relative;
	char reply[XENSTORE_PAYLOAD_MAX];
	uint32_t reply_len;
};

bool perms_allow(uint32_t domid, const struct perms *perms, bool write)
{
	char access = perms->p[0].access;

	if (!domid || perms->p[0].domid == domid)
		return true;
	for (uint32_t i = 1; i < perms->nr; i++) {
		if (perms->p[i].domid == domid) {
			access = perms->p[i].access;
			break;
		}
	}
	return access == 'b' || access == (write ? 'w' : 'r');
}

static bool is_owner(struct conn *c, const struct node *n)
{
	return !c->domid || n->perms.p[0].domid == c->domid;
}

static int reply_add(struct req *r, const void *data, size_t len)
{
	if (r->reply_len + len > sizeof(r->reply))
		return -E2BIG;
	if (len)
		memcpy(r->reply + r->reply_len, data, len);
	r->reply_len += (uint32_t)len;
	return 0;
}

static int reply_str(struct req *r, const char *s)
{
	return reply_add(r, s, strlen(s) + 1);
}

/* The @n-th string of the request, which must end inside it, or NULL */
static char *arg(struct req *r, uint32_t n)
{
	char *at = r->data, *end = r->data + r->len;

	for (;;) {
		char *zero = memchr(at, 0, (size_t)(end - at));

		if (!zero)
			return NULL;
		if (!n--)
			return at;
		at = zero + 1;
	}
}

static bool path_is_valid(const char *path)
{
	size_t len = strlen(path);

	for (const char *p = path; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-/_@", *p))
			return false;
	if (path[0] != '/' || strstr(path, "//"))
		return false;
	return len == 1 || path[len - 1] != '/';
}

static int path_get(struct req *r, bool special)
{
	const char *name = arg(r, 0);

	if (!name || !*name)
		return -EINVAL;
	r->relative = name[0] != '/' && name[0] != '@';
	if (strlen(name) > (r->relative ? XENSTORE_REL_PATH_MAX : XENSTORE_ABS_PATH_MAX))
		return -EINVAL;
	if (r->relative)
		snprintf(r->path, sizeof(r->path), "/local/domain/%u/%s", r->c->domid, name);
	else
		strcpy(r->path, name);
	if (special && (!strcmp(r->path, "@introduceDomain") || !strcmp(r->path, "@releaseDomain")))
		return 0;
	return path_is_valid(r->path) ? 0 : -EINVAL;
}

/* The nearest node above a path that exists */
static struct node *nearest(struct tx *tx, const char *path)
{
	char up[XENSTORE_ABS_PATH_MAX + 1], down[XENSTORE_ABS_PATH_MAX + 1];
	struct node *n = NULL;

	strcpy(down, path);
	while (!n && path_parent(up, down)) {
		n = node_get(tx, up);
		strcpy(down, up);
	}
	return n;
}

/* The node of the request. A missing node is EACCES for a client that may not read above it. */
static int node_find(struct req *r, bool write, struct node **n)
{
	struct node *above;
	int err = path_get(r, true);

	if (err)
		return err;
	*n = node_get(r->tx, r->path);
	if (*n)
		return perms_allow(r->c->domid, &(*n)->perms, write) ? 0 : -EACCES;
	above = nearest(r->tx, r->path);
	return above && perms_allow(r->c->domid, &above->perms, write) ? -ENOENT : -EACCES;
}

static int op_directory(struct req *r)
{
	struct node *n;
	int err = node_find(r, false, &n);

	return err ? err : reply_add(r, n->children, n->children_len);
}

static int op_directory_part(struct req *r)
{
	const char *off = arg(r, 1);
	uint32_t from, room, len = 0;
	struct node *n;
	char gen[24];
	int err = node_find(r, false, &n);

	if (err || !off)
		return err ? err : -EINVAL;
	snprintf(gen, sizeof(gen), "%llu", (unsigned long long)n->gen);
	reply_str(r, gen);
	from = (uint32_t)strtoul(off, NULL, 10);
	if (from >= n->children_len)
		return reply_add(r, "", 1);
	room = (uint32_t)sizeof(r->reply) - r->reply_len - 1;
	while (from + len < n->children_len) {
		uint32_t one = (uint32_t)strlen(n->children + from + len) + 1;

		if (len + one > room)
			break;
		len += one;
	}
	reply_add(r, n->children + from, len);
	return from + len == n->children_len ? reply_add(r, "", 1) : 0;
}

static int op_read(struct req *r)
{
	struct node *n;
	int err = node_find(r, false, &n);

	return err ? err : reply_add(r, n->value, n->len);
}

static int quota_check(struct req *r, const struct node *n, uint32_t value_len)
{
	uint32_t bytes = value_len + (n ? n->children_len + n->perms.nr * 8 : 0);

	if (!r->c->domid)
		return 0;
	if (bytes >= quota.node_bytes)
		return -ENOSPC;
	if (!n && store_entries[r->c->domid] + (r->tx ? r->tx->added : 0) >= quota.entries)
		return -ENOSPC;
	return 0;
}

/* Make the request's node and missing nodes above it */
static int create(struct req *r, struct node **made)
{
	struct node *above = nearest(r->tx, r->path);
	struct perms perms;
	char path[XENSTORE_ABS_PATH_MAX + 1];
	size_t from;
	int err = 0;

	if (!above)
		return -EINVAL;
	perms = above->perms;
	if (r->c->domid)
		perms.p[0].domid = r->c->domid;
	from = above->path[1] ? strlen(above->path) : 0;
	while (!err && r->path[from]) {
		size_t len = from + 1 + strcspn(r->path + from + 1, "/");

		memcpy(path, r->path, len);
		path[len] = 0;
		err = quota_check(r, NULL, 0);
		if (!err)
			*made = node_create(r->tx, path, &perms);
		from = len;
	}
	return err;
}

static int op_write(struct req *r)
{
	char *name = arg(r, 0);
	uint32_t off, len;
	struct node *n;
	int err = node_find(r, true, &n);

	if (!name || r->path[0] == '@')
		return -EINVAL;
	off = (uint32_t)strlen(name) + 1;
	len = r->len - off;
	if (err && err != -ENOENT)
		return err;
	if (err)
		err = quota_check(r, NULL, len);
	else
		err = quota_check(r, n, len);
	if (!err && !n)
		err = create(r, &n);
	if (!err)
		err = node_set_value(r->tx, n, name + off, len);
	if (err)
		return err;
	node_changed(r->tx, n, false);
	return reply_str(r, "OK");
}

static int op_mkdir(struct req *r)
{
	struct node *n;
	int err = node_find(r, true, &n);

	if (r->path[0] == '@')
		return -EINVAL;
	if (err == -ENOENT) {
		err = create(r, &n);
		if (!err)
			node_changed(r->tx, n, false);
	}
	return err ? err : reply_str(r, "OK");
}

static int op_rm(struct req *r)
{
	char up[XENSTORE_ABS_PATH_MAX + 1];
	struct node *n;
	int err = node_find(r, true, &n);

	if (err == -ENOENT && path_parent(up, r->path) && node_get(r->tx, up))
		return reply_str(r, "OK");
	if (err)
		return err;
	if (!strcmp(r->path, "/") || r->path[0] == '@')
		return -EINVAL;
	node_remove(r->tx, n);
	return reply_str(r, "OK");
}

static int op_get_perms(struct req *r)
{
	struct node *n;
	int err = node_find(r, false, &n);

	for (uint32_t i = 0; !err && i < n->perms.nr; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%c%u", n->perms.p[i].access, n->perms.p[i].domid);
		err = reply_str(r, text);
	}
	return err;
}

static int perms_parse(struct req *r, struct perms *perms)
{
	const char *text;

	for (perms->nr = 0; (text = arg(r, perms->nr + 1)); perms->nr++) {
		struct perm *p = &perms->p[perms->nr];
		char *end;

		if (perms->nr == STORE_PERMS_MAX)
			return -ENOSPC;
		if (!*text || !strchr("nrwb", *text) || !isdigit((unsigned char)text[1]))
			return -EINVAL;
		p->access = text[0];
		p->domid = (uint32_t)strtoul(text + 1, &end, 10);
		if (*end || p->domid > 0x7fff)
			return -EINVAL;
	}
	if (!perms->nr)
		return -EINVAL;
	return r->c->domid && perms->nr > quota.perms ? -ENOSPC : 0;
}

static int op_set_perms(struct req *r)
{
	struct perms perms;
	struct node *n;
	int err = node_find(r, true, &n);

	if (!err)
		err = perms_parse(r, &perms);
	if (err)
		return err;
	if (!is_owner(r->c, n))
		return -EACCES;
	if (r->c->domid && perms.p[0].domid != n->perms.p[0].domid)
		return -EPERM;
	node_set_perms(r->tx, n, &perms);
	node_changed(r->tx, n, false);
	return reply_str(r, "OK");
}

static int op_watch(struct req *r)
{
	const char *name = arg(r, 0), *token = arg(r, 1);
	struct node *n;
	int err = path_get(r, true);

	if (err || !token)
		return err ? err : -EINVAL;
	if (r->path[0] == '@') {
		n = node_get(NULL, r->path);
		if (!perms_allow(r->c->domid, &n->perms, false))
			return -EACCES;
	}
	err = watch_add(r->c, r->path, token, r->relative);
	if (err)
		return err;
	/* The answer comes first, then the event that every new watch begins with */
	conn_send(r->c, XS_WATCH, r->c->hdr.req_id, r->c->hdr.tx_id, "OK", 3);
	memcpy(r->reply, name, strlen(name) + 1);
	memcpy(r->reply + strlen(name) + 1, token, strlen(token) + 1);
	conn_send(r->c, XS_WATCH_EVENT, 0, 0, r->reply,
		  (uint32_t)(strlen(name) + strlen(token) + 2));
	return 1;
}

static int op_unwatch(struct req *r)
{
	const char *token = arg(r, 1);
	int err = path_get(r, true);

	if (err || !token)
		return err ? err : -EINVAL;
	err = watch_del(r->c, r->path, token);
	return err ? err : reply_str(r, "OK");
}

static int op_reset_watches(struct req *r)
{
	watch_del_all(r->c);
	while (r->c->tx)
		tx_end(r->c, r->c->tx, false);
	return reply_str(r, "OK");
}

static int op_transaction_start(struct req *r)
{
	char id[16];

	if (r->tx)
		return -EBUSY;
	if (r->c->domid && r->c->txs >= quota.transactions)
		return -ENOSPC;
	snprintf(id, sizeof(id), "%u", tx_start(r->c)->id);
	return reply_str(r, id);
}

static int op_transaction_end(struct req *r)
{
	const char *how = arg(r, 0);
	int err;

	if (!how || (strcmp(how, "T") && strcmp(how, "F")))
		return -EINVAL;
	if (!r->tx)
		return -ENOENT;
	err = tx_end(r->c, r->tx, how[0] == 'T');
	return err ? err : reply_str(r, "OK");
}

static int domid_arg(struct req *r, uint32_t *domid)
{
	const char *text = arg(r, 0);
	char *end;

	if (!text || !isdigit((unsigned char)*text))
		return -EINVAL;
	*domid = (uint32_t)strtoul(text, &end, 10);
	return *end || *domid >= STORE_DOMS ? -EINVAL : 0;
}

static void fire_special(const char *name)
{
	struct node *n = node_get(NULL, name);

	watch_fire(name, &n->perms, false);
}

static int op_introduce(struct req *r)
{
	uint32_t domid;
	int err = domid_arg(r, &domid);

	if (r->c->domid)
		return -EACCES;
	if (!err && !conn_is_introduced(domid)) {
		err = conn_listen(domid);
		if (!err)
			fire_special("@introduceDomain");
	}
	return err ? err : reply_str(r, "OK");
}

static int op_release(struct req *r)
{
	uint32_t domid;
	int err = domid_arg(r, &domid);

	if (r->c->domid)
		return -EACCES;
	if (err)
		return err;
	if (!domid || !conn_is_introduced(domid))
		return domid ? -ENOENT : -EINVAL;
	conn_unlisten(domid);
	fire_special("@releaseDomain");
	return reply_str(r, "OK");
}

static int op_resume(struct req *r)
{
	uint32_t domid;
	int err = domid_arg(r, &domid);

	if (r->c->domid)
		return -EACCES;
	if (!err && !conn_is_introduced(domid))
		err = -ENOENT;
	return err ? err : reply_str(r, "OK");
}

static int op_get_domain_path(struct req *r)
{
	char path[32];
	uint32_t domid;
	int err = domid_arg(r, &domid);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	return reply_str(r, path);
}

static int op_is_introduced(struct req *r)
{
	uint32_t domid;
	int err = domid_arg(r, &domid);

	return err ? err : reply_str(r, conn_is_introduced(domid) ? "T" : "F");
}

static const struct op {
	int (*handle)(struct req *r);
	bool needs_tx_node; /* may be part of a transaction */
} ops[XS_TYPE_COUNT] = {
	[XS_DIRECTORY] = { op_directory, true },
	[XS_DIRECTORY_PART] = { op_directory_part, true },
	[XS_READ] = { op_read, true },
	[XS_GET_PERMS] = { op_get_perms, true },
	[XS_WRITE] = { op_write, true },
	[XS_MKDIR] = { op_mkdir, true },
	[XS_RM] = { op_rm, true },
	[XS_SET_PERMS] = { op_set_perms, true },
	[XS_WATCH] = { op_watch, false },
	[XS_UNWATCH] = { op_unwatch, false },
	[XS_RESET_WATCHES] = { op_reset_watches, false },
	[XS_TRANSACTION_START] = { op_transaction_start, true },
	[XS_TRANSACTION_END] = { op_transaction_end, true },
	[XS_INTRODUCE] = { op_introduce, false },
	[XS_RELEASE] = { op_release, false },
	[XS_RESUME] = { op_resume, false },
	[XS_SET_TARGET] = { op_resume, false },
	[XS_GET_DOMAIN_PATH] = { op_get_domain_path, false },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_introduced, false },
};

static const char *error_name(int err)
{
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
		if (xsd_errors[i].errnum == err)
			return xsd_errors[i].errstring;
	return "EIO";
}

static int dispatch(struct req *r)
{
	uint32_t type = r->c->hdr.type, id = r->c->hdr.tx_id;

	if (type >= XS_TYPE_COUNT || !ops[type].handle)
		return -ENOSYS;
	if (id && ops[type].needs_tx_node) {
		r->tx = tx_find(r->c, id);
		if (!r->tx)
			return -ENOENT;
	}
	return ops[type].handle(r);
}

void ops_handle(struct conn *c)
{
	struct req r;
	int err;

	r.c = c;
	r.tx = NULL;
	r.data = c->in;
	r.len = c->hdr.len;
	r.path[0] = 0;
	r.reply_len = 0;
	err = dispatch(&r);
	if (err == 0) {
		conn_send(c, c->hdr.type, c->hdr.req_id, c->hdr.tx_id, r.reply, r.reply_len);
	} else if (err < 0) {
		const char *name = error_name(-err);

		conn_send(c, XS_ERROR, c->hdr.req_id, c->hdr.tx_id, name,
			  (uint32_t)strlen(name) + 1);
	}
}
