// SPDX-License-Identifier: BSD-3-Clause
/* vifs: nodes, hotplug script, removal */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "toolstack.h"

#define PATH_LEN 256

struct dirs {
	char front[PATH_LEN], back[PATH_LEN], libxl[PATH_LEN];
};

static void dirs_make(struct dirs *d, uint32_t domid, uint32_t devid, uint32_t backend)
{
	snprintf(d->front, PATH_LEN, "/local/domain/%u/device/vif/%u", domid, devid);
	snprintf(d->back, PATH_LEN, "/local/domain/%u/backend/vif/%u/%u", backend, domid, devid);
	snprintf(d->libxl, PATH_LEN, "/libxl/%u/device/vif/%u", domid, devid);
}

/* Which domain serves a vif that exists, by libxl's own copy of its keys? 0 if there is none */
static uint32_t backend_of(struct xs_handle *xs, uint32_t domid, uint32_t devid)
{
	uint32_t backend = 0;
	char path[PATH_LEN];
	unsigned int len;
	char *value;

	snprintf(path, sizeof(path), "/libxl/%u/device/vif/%u/backend", domid, devid);
	value = xs_read(xs, XBT_NULL, path, &len);
	if (value)
		sscanf(value, "/local/domain/%u/", &backend);
	free(value);
	return backend;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct writer {
	struct xs_handle *xs;
	xs_transaction_t t;
	bool ok;
};

static void folder(struct writer *w, const char *dir, uint32_t owner, uint32_t reader)
{
	struct xs_permissions p[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = reader, .perms = XS_PERM_READ },
	};

	w->ok = w->ok && xs_mkdir(w->xs, w->t, dir) && xs_set_permissions(w->xs, w->t, dir, p, 2);
}

static void put(struct writer *w, const char *dir, const char *key, const char *value)
{
	char path[PATH_LEN + 32];

	if (!value)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	w->ok = w->ok && xs_write(w->xs, w->t, path, value, (unsigned int)strlen(value));
}

/* A key of the back end's folder, and libxl's own copy of it */
static void put_back(struct writer *w, const struct dirs *d, const char *key, const char *value)
{
	put(w, d->back, key, value);
	put(w, d->libxl, key, value);
}

static const char *script_of(const struct vif_config *vif)
{
	const char *env = getenv("SIM_VIF_SCRIPT");

	return vif->script ? vif->script : env ? env : "none";
}

/* "none" is run by nobody, and is no script that says whose the interface is. */
static const char *script_key(const struct vif_config *vif)
{
	return strcmp(script_of(vif), "none") ? script_of(vif) : NULL;
}

static void back_write(struct writer *w, const struct dirs *d, const struct vif_config *vif)
{
	char num[16], dom[16];

	snprintf(num, sizeof(num), "%u", vif->devid);
	snprintf(dom, sizeof(dom), "%u", vif->domid);
	folder(w, d->back, vif->backend, vif->domid);
	put_back(w, d, "frontend", d->front);
	put_back(w, d, "frontend-id", dom);
	put_back(w, d, "online", "1");
	put_back(w, d, "state", "1");
	put_back(w, d, "script", script_key(vif));
	put_back(w, d, "vifname", vif->vifname);
	put_back(w, d, "mac", vif->mac);
	put_back(w, d, "ip", vif->ip);
	put_back(w, d, "gatewaydev", vif->gatewaydev);
	put_back(w, d, "rate", vif->rate);
	if (vif->mtu && strcmp(vif->mtu, "1500"))
		put_back(w, d, "mtu", vif->mtu);
	put_back(w, d, "vlan", vif->vlan);
	put_back(w, d, "bridge", vif->bridge ? vif->bridge : "xenbr0");
	put_back(w, d, "handle", num);
	put_back(w, d, "type", "vif");
	put_back(w, d, "hotplug-status", "");
}

static void front_write(struct writer *w, const struct dirs *d, const struct vif_config *vif)
{
	char num[16], back[16], path[PATH_LEN + 8];
	struct xs_permissions p[2] = {
		{ .id = vif->backend, .perms = XS_PERM_NONE },
		{ .id = vif->domid, .perms = XS_PERM_READ },
	};

	snprintf(num, sizeof(num), "%u", vif->devid);
	snprintf(back, sizeof(back), "%u", vif->backend);
	folder(w, d->front, vif->domid, vif->backend);
	put(w, d->front, "backend", d->back);
	put(w, d->front, "backend-id", back);
	put(w, d->front, "state", "1");
	put(w, d->front, "handle", num);
	put(w, d->front, "mac", vif->mac);
	put(w, d->front, "trusted", vif->untrusted ? "0" : "1");
	put(w, d->front, "mtu", vif->mtu ? vif->mtu : "1500");
	snprintf(path, sizeof(path), "%s/mtu", d->front);
	w->ok = w->ok && xs_set_permissions(w->xs, w->t, path, p, 2);
}

static int nodes_try(struct xs_handle *xs, const struct vif_config *vif)
{
	struct writer w = { .xs = xs, .t = xs_transaction_start(xs), .ok = true };
	struct dirs d;

	if (!w.t)
		return -errno;
	dirs_make(&d, vif->domid, vif->devid, vif->backend);
	put(&w, d.libxl, "frontend", d.front);
	put(&w, d.libxl, "backend", d.back);
	front_write(&w, &d, vif);
	back_write(&w, &d, vif);
	if (!w.ok) {
		int err = -errno;

		xs_transaction_end(xs, w.t, true);
		return err;
	}
	return xs_transaction_end(xs, w.t, false) ? 0 : -errno;
}

int vif_nodes_write(struct xs_handle *xs, const struct vif_config *vif)
{
	int err;

	do {
		err = nodes_try(xs, vif);
	} while (err == -EAGAIN);
	if (err)
		fprintf(stderr, "simctl: vif %u.%u: nodes: %s\n", vif->domid, vif->devid,
			strerror(-err));
	return err;
}

/* Return: the state, 0 when it cannot be read */
static int state_read(struct xs_handle *xs, const char *path)
{
	unsigned int len;
	char *value = xs_read(xs, XBT_NULL, path, &len);
	int state = value ? atoi(value) : 0;

	free(value);
	return state;
}

int vif_wait_state(struct xs_handle *xs, uint32_t domid, uint32_t devid, int want, int limit_ms)
{
	int64_t end = now_ms() + limit_ms;
	char path[PATH_LEN + 8];
	struct dirs d;
	int state = -1, err = -ETIMEDOUT;

	dirs_make(&d, domid, devid, backend_of(xs, domid, devid));
	snprintf(path, sizeof(path), "%s/state", d.back);
	if (!xs_watch(xs, path, "state"))
		return -errno;
	while (now_ms() < end) {
		struct pollfd pfd = { .fd = xs_fileno(xs), .events = POLLIN };
		char **event;

		state = state_read(xs, path);
		/* A node that is gone counts as closed, as it does for libxl */
		if (state == want || (!state && want == 6)) {
			err = 0;
			break;
		}
		poll(&pfd, 1, (int)(end - now_ms()));
		while ((event = xs_check_watch(xs)))
			free(event);
	}
	xs_unwatch(xs, path, "state");
	if (err)
		fprintf(stderr, "simctl: vif %u.%u: back end's state is %d after %d ms, not %d\n",
			domid, devid, state, limit_ms, want);
	return err;
}

static int child_wait(pid_t pid)
{
	int64_t end = now_ms() + TOOLSTACK_SCRIPT_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return -ETIMEDOUT;
		}
		usleep(2000);
	}
	return status ? -EIO : 0;
}

/* In the domain that serves the vif: libxl runs it in dom0, 'xl devd' in a driver domain. */
static void script_exec(const struct vif_config *vif, const char *action)
{
	char path[64], name[32], store[PATH_LEN];

	snprintf(store, sizeof(store), "%s/xs/%u.sock", simhv_dir(), vif->backend);
	setenv("XENSTORED_PATH", store, 1);
	snprintf(path, sizeof(path), "backend/vif/%u/%u", vif->domid, vif->devid);
	snprintf(name, sizeof(name), "vif%u.%u", vif->domid, vif->devid);
	setenv("script", script_of(vif), 1);
	setenv("XENBUS_TYPE", "vif", 1);
	setenv("XENBUS_PATH", path, 1);
	setenv("XENBUS_BASE_PATH", "backend", 1);
	setenv("netdev", vif->gatewaydev ? vif->gatewaydev : "", 1);
	setenv("vif", vif->vifname ? vif->vifname : name, 1);
	execl(script_of(vif), script_of(vif), action, "type_if=vif", NULL);
	_exit(127);
}

static void hotplug_error_print(struct xs_handle *xs, const struct vif_config *vif)
{
	char path[PATH_LEN + 16];
	unsigned int len;
	struct dirs d;
	char *text;

	dirs_make(&d, vif->domid, vif->devid, vif->backend);
	snprintf(path, sizeof(path), "%s/hotplug-error", d.back);
	text = xs_read(xs, XBT_NULL, path, &len);
	fprintf(stderr, "simctl: vif %u.%u: %s failed: %s\n", vif->domid, vif->devid,
		script_of(vif), text ? text : "no reason given");
	free(text);
}

int vif_hotplug(struct xs_handle *xs, const struct vif_config *vif, const char *action)
{
	struct writer w = { .xs = xs, .t = XBT_NULL, .ok = true };
	struct dirs d;
	pid_t pid;
	int err;

	dirs_make(&d, vif->domid, vif->devid, vif->backend);
	if (!strcmp(script_of(vif), "none")) {
		if (!strcmp(action, "online"))
			put(&w, d.back, "hotplug-status", "connected");
		return w.ok ? 0 : -errno;
	}
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		script_exec(vif, action);
	err = child_wait(pid);
	if (err)
		hotplug_error_print(xs, vif);
	return err;
}

int vif_add(struct xs_handle *xs, const struct vif_config *vif)
{
	int err = vif_nodes_write(xs, vif);

	if (err || vif->no_wait)
		return err;
	err = vif_wait_state(xs, vif->domid, vif->devid, 2, TOOLSTACK_INIT_MS);
	return err ? err : vif_hotplug(xs, vif, "online");
}

static int closing_try(struct xs_handle *xs, const struct dirs *d, bool force)
{
	struct writer w = { .xs = xs, .t = xs_transaction_start(xs), .ok = true };
	char path[PATH_LEN + 8];
	unsigned int len;
	char *state;

	if (force)
		xs_rm(xs, w.t, d->front);
	snprintf(path, sizeof(path), "%s/state", d->back);
	state = xs_read(xs, w.t, path, &len);
	if (state) {
		put(&w, d->back, "online", "0");
		if (strcmp(state, "6"))
			put(&w, d->back, "state", "5");
	}
	free(state);
	return xs_transaction_end(xs, w.t, !w.ok) ? 0 : -errno;
}

int vif_del(struct xs_handle *xs, uint32_t domid, uint32_t devid, bool force)
{
	struct vif_config vif = {
		.domid = domid,
		.devid = devid,
		.backend = backend_of(xs, domid, devid),
	};
	char path[PATH_LEN + 8];
	unsigned int len;
	struct dirs d;
	char *script;
	int err;

	dirs_make(&d, domid, devid, vif.backend);
	do {
		err = closing_try(xs, &d, force);
	} while (err == -EAGAIN);
	if (!err)
		err = vif_wait_state(xs, domid, devid, 6, TOOLSTACK_DESTROY_MS);
	snprintf(path, sizeof(path), "%s/script", d.libxl);
	script = xs_read(xs, XBT_NULL, path, &len);
	vif.script = script;
	vif_hotplug(xs, &vif, "offline");
	free(script);
	xs_rm(xs, XBT_NULL, d.front);
	xs_rm(xs, XBT_NULL, d.back);
	xs_rm(xs, XBT_NULL, d.libxl);
	return err;
}

uint32_t vif_next_devid(struct xs_handle *xs, uint32_t domid)
{
	for (uint32_t devid = 0;; devid++) {
		unsigned int len;
		struct dirs d;
		char *value;

		dirs_make(&d, domid, devid, 0);
		value = xs_read(xs, XBT_NULL, d.libxl, &len);
		if (!value)
			return devid;
		free(value);
	}
}
