/* SPDX-License-Identifier: BSD-3-Clause */
/* The Xen that we run on. */
#include <errno.h>

#include "doctor.h"
#include "xen/dom.h"
#include "xen/room.h"
#include "xen/store.h"

static int live_key(void *arg, const char *path, char *value, uint32_t size)
{
	struct store *store = store_open();
	char dir[32];
	int ret, domid;

	(void)arg;
	if (!store)
		return errno == ENOENT ? -ENOTCONN : -errno;
	domid = store_own_domid(store);
	if (domid < 0) {
		store_close(store);
		return domid;
	}
	snprintf(dir, sizeof(dir), "/local/domain/%d", domid);
	ret = store_get_text(store, dir, path, value, size);
	store_close(store);
	return ret < 0 ? ret : 0;
}

static int live_guarded(void *arg)
{
	struct dom *dom = dom_open();
	int guarded = dom ? dom_devices_guarded(dom) : -errno;

	(void)arg;
	dom_close(dom);
	return guarded;
}

static int64_t live_room_mb(void *arg)
{
	(void)arg;
	return room_mb();
}

const struct doctor_xen *doctor_live(void)
{
	static const struct doctor_xen live = {
		.key = live_key,
		.guarded = live_guarded,
		.room_mb = live_room_mb,
	};

	return &live;
}
