/* SPDX-License-Identifier: BSD-3-Clause */
#include "kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

LOG_TAG("kept");
SYSCALLS("open", "openat", "fallocate", "ftruncate", "fstat", "mmap", "munmap", "unlink",
	 "getdents64");

#define MAGIC 0x4b666976u /* "vifK" */
/* To be raised whenever the layout, or the meaning of something in it, changes. */
#define VERSION 5u
#define FILE_NAME "vif-%u.%u"

/*
 * struct file - What the file holds; followed by two places for a struct kept_ctrl
 * @magic:   the rest has been written
 * @bytes:   of the file
 * @sum:     of @life
 * @partial: see kept_is_partial()
 * @holds:   which of the two places holds, 1 or 2; 0 = none yet
 */
struct file {
	_Atomic uint32_t magic;
	uint32_t version, bytes, sum;
	struct kept_life life;
	uint32_t partial;
	_Atomic uint32_t pin, holds;
	struct group_list mcast, learnt;
	struct flow_counts flow_counts, vf_rule_counts;
};

struct kept {
	struct file *file;
	size_t bytes, ctrl_bytes;
	bool mapped, known;
	char path[300];
};

/* FNV-1a, by words. */
static uint32_t sum_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t sum = 2166136261u;

	for (; len >= sizeof(uint32_t); at += sizeof(uint32_t), len -= sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		sum = (sum ^ word) * 16777619u;
	}
	return sum;
}

static struct kept_ctrl *ctrl_at(const struct kept *kept, uint32_t which)
{
	return (void *)((char *)kept->file + sizeof(struct file) + (which - 1) * kept->ctrl_bytes);
}

/* Return: bytes of it that hold something, 0 = it says more than there is room for */
static size_t ctrl_used(const struct kept *kept, const struct kept_ctrl *ctrl)
{
	size_t used = sizeof(*ctrl);

	for (uint32_t i = 0; i < NETIF_QUEUES_MAX; i++) {
		if (ctrl->nr_pages[i] > STATICS_MAX)
			return 0;
		used += ctrl->nr_pages[i] * sizeof(ctrl->pages[0]);
	}
	return used <= kept->ctrl_bytes ? used : 0;
}

static uint32_t ctrl_sum(const struct kept_ctrl *ctrl, size_t used)
{
	return sum_of((const char *)ctrl + sizeof(ctrl->sum), used - sizeof(ctrl->sum));
}

/* Is what stands in the file of this connection, and whole? */
static bool fits(const struct kept *kept, const struct kept_life *life)
{
	const struct file *file = kept->file;

	return file->magic == MAGIC && file->version == VERSION && file->bytes == kept->bytes &&
	       file->sum == sum_of(&file->life, sizeof(file->life)) &&
	       !memcmp(&file->life, life, sizeof(*life)) && file->partial <= 1 &&
	       file->pin <= KEPT_PIN_SOFTWARE && file->holds <= 2 &&
	       group_list_is_whole(&file->mcast) && group_list_is_whole(&file->learnt);
}

static void begin(struct kept *kept, const struct kept_life *life, bool partial)
{
	struct file *file = kept->file;

	atomic_store_explicit(&file->magic, 0, memory_order_seq_cst);
	memset(file, 0, sizeof(*file));
	file->version = VERSION;
	file->bytes = (uint32_t)kept->bytes;
	file->life = *life;
	file->sum = sum_of(life, sizeof(*life));
	file->partial = partial;
	atomic_store_explicit(&file->magic, MAGIC, memory_order_release);
}

/* Where the admin has moved a guest that nobody has served yet, or that came again, does it no harm. */
static void take_up(struct kept *kept, const struct kept_life *life, bool served)
{
	bool known = fits(kept, life);
	enum kept_pin pin = known ? kept_pin(kept) : KEPT_PIN_NONE;

	kept->known = known && served;
	if (kept->known)
		return;
	begin(kept, life, served);
	kept_set_pin(kept, pin);
}

/* A file of another length is of another layout. Return: 0, -errno */
static int map_file(struct kept *kept)
{
	int fd = open(kept->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	off_t len;
	int ret = 0;

	if (fd < 0)
		return -errno;
	len = lseek(fd, 0, SEEK_END);
	if (len != (off_t)kept->bytes && ftruncate(fd, 0))
		ret = -errno;
	/* now, so that writing to the mapping never lacks space */
	if (!ret)
		ret = -posix_fallocate(fd, 0, (off_t)kept->bytes);
	if (!ret) {
		kept->file = mmap(NULL, kept->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ret = kept->file == MAP_FAILED ? -errno : 0;
	}
	close(fd);
	kept->mapped = !ret;
	return ret;
}

struct kept *kept_open(const char *dir, const struct kept_life *life, bool served)
{
	static struct log_limit limit; /* a guest can have it tried again and again */
	struct kept *kept = calloc(1, sizeof(*kept));
	int ret;

	if (!kept)
		return NULL;
	kept->ctrl_bytes =
		sizeof(struct kept_ctrl) +
		life->nr_queues * STATICS_MAX * sizeof(((struct kept_ctrl *)0)->pages[0]);
	kept->bytes = sizeof(struct file) + 2 * kept->ctrl_bytes;
	snprintf(kept->path, sizeof(kept->path), "%s/" FILE_NAME, dir, life->domid, life->handle);
	ret = map_file(kept);
	if (ret) {
		if (log_allowed(&limit))
			log_warn(
				"%s cannot be written: %s; the next vifd will not know what the guest set",
				kept->path, strerror(-ret));
		kept->file = calloc(1, kept->bytes);
	}
	if (!kept->file) {
		free(kept);
		return NULL;
	}
	take_up(kept, life, served);
	return kept;
}

void kept_close(struct kept *kept, bool stay)
{
	if (!kept)
		return;
	if (kept->mapped) {
		munmap(kept->file, kept->bytes);
		if (!stay)
			unlink(kept->path);
	} else {
		free(kept->file);
	}
	free(kept);
}

bool kept_is_known(const struct kept *kept)
{
	return kept->known;
}

bool kept_is_partial(const struct kept *kept)
{
	return kept->file->partial;
}

struct group_list *kept_mcast(struct kept *kept)
{
	return &kept->file->mcast;
}

struct group_list *kept_learnt(struct kept *kept)
{
	return &kept->file->learnt;
}

struct flow_counts *kept_flow_counts(struct kept *kept)
{
	return &kept->file->flow_counts;
}

struct flow_counts *kept_vf_rule_counts(struct kept *kept)
{
	return &kept->file->vf_rule_counts;
}

enum kept_pin kept_pin(const struct kept *kept)
{
	return (enum kept_pin)kept->file->pin;
}

void kept_set_pin(struct kept *kept, enum kept_pin pin)
{
	kept->file->pin = (uint32_t)pin;
}

const struct kept_ctrl *kept_ctrl(const struct kept *kept)
{
	uint32_t holds = atomic_load_explicit(&kept->file->holds, memory_order_acquire);
	const struct kept_ctrl *ctrl = holds ? ctrl_at(kept, holds) : NULL;
	size_t used = ctrl ? ctrl_used(kept, ctrl) : 0;

	return used && ctrl->sum == ctrl_sum(ctrl, used) ? ctrl : NULL;
}

static uint32_t other_place(const struct kept *kept)
{
	return kept->file->holds == 1 ? 2 : 1;
}

struct kept_ctrl *kept_ctrl_begin(struct kept *kept)
{
	return ctrl_at(kept, other_place(kept));
}

void kept_ctrl_commit(struct kept *kept)
{
	struct kept_ctrl *ctrl = kept_ctrl_begin(kept);

	ctrl->sum = ctrl_sum(ctrl, ctrl_used(kept, ctrl));
	atomic_store_explicit(&kept->file->holds, other_place(kept), memory_order_release);
}

void kept_sweep(const char *dir, bool (*lives)(void *arg, uint32_t domid, uint32_t handle),
		void *arg)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		unsigned int domid, handle;
		char name[64];

		if (sscanf(entry->d_name, FILE_NAME, &domid, &handle) != 2)
			continue;
		snprintf(name, sizeof(name), FILE_NAME, domid, handle);
		if (!strcmp(name, entry->d_name) && !lives(arg, domid, handle))
			unlinkat(dirfd(folder), name, 0);
	}
	if (folder)
		closedir(folder);
}
