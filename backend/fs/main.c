/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vifd-fs: the sysfs tree that i40e's driver and VFd have for a VF, as a FUSE file system.
 *
 *	vif/7.0/max_tx_rate ...		files.h
 *	vif/7.0/stats/tx_packets ...
 *	vif/7.0/error			why the last one failed, in words
 *	NIC/3 -> ../vif/7.0		that vif has the NIC's VF 3
 *
 * It is a client of vifd's like vifctl, and root's alone. One thread.
 */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fuse.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "rules.h"
#include "version.h"

#define SYSFS_SIZE 4096

static struct vif_files files = { .client = { .fd = -1 } };

/** struct place - What a path means; @file: NULL = a folder, or the file "error" */
struct place {
	enum {
		PLACE_ROOT,
		PLACE_VIFS,
		PLACE_VIF,
		PLACE_STATS,
		PLACE_FILE,
		PLACE_ERROR,
		PLACE_NIC,
		PLACE_VF
	} kind;
	char first[64], second[VIF_NAME_MAX];
	const struct vif_file *file;
};

/* Return: 0, -ENOENT */
static int find_place(const char *path, struct place *place)
{
	char rest[64] = "";
	int words;

	memset(place, 0, sizeof(*place));
	words = sscanf(path, "/%63[^/]/%31[^/]/%63s", place->first, place->second, rest);
	if (words <= 0)
		place->kind = PLACE_ROOT;
	else if (words == 1)
		place->kind = !strcmp(place->first, "vif") ? PLACE_VIFS : PLACE_NIC;
	else if (strcmp(place->first, "vif") != 0)
		place->kind = PLACE_VF;
	else if (words == 2)
		place->kind = PLACE_VIF;
	else if (!strcmp(rest, "stats"))
		place->kind = PLACE_STATS;
	else if (!strcmp(rest, "error"))
		place->kind = PLACE_ERROR;
	else
		place->kind = PLACE_FILE;
	place->file = place->kind == PLACE_FILE ? file_find(rest) : NULL;
	if ((place->kind == PLACE_FILE && !place->file) || (place->kind == PLACE_VF && *rest))
		return -ENOENT;
	return 0;
}

static struct json_object *ask_pages(const char *command)
{
	struct json_object *answer;

	if (files_connect(&files))
		return NULL;
	answer = client_ask_pages(&files.client, command);
	if (!answer)
		files_failed(&files, "");
	return answer;
}

static bool vif_exists(const char *vif)
{
	struct json_object *vifs = ask_pages("/vifd/vifs");
	bool found = false;

	for (size_t i = 0; vifs && i < json_object_array_length(vifs); i++)
		found |= !strcmp(json_object_get_string(json_object_array_get_idx(vifs, i)), vif);
	json_object_put(vifs);
	return found;
}

/* VFs that a vif has: calls @take for each of the NIC. Return: how many */
static unsigned int each_vf(const char *nic,
			    void (*take)(void *arg, const char *vf, const char *vif), void *arg)
{
	struct json_object *vfs = ask_pages("/vifd/vfs");
	unsigned int nr = 0;

	for (size_t i = 0; vfs && i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);
		char index[24];

		if (strcmp(text_of(vf, "nic"), nic) || strncmp(text_of(vf, "owner"), "vif ", 4))
			continue;
		snprintf(index, sizeof(index), "%" PRIu64, number_of(vf, "index"));
		take(arg, index, text_of(vf, "owner") + strlen("vif "));
		nr++;
	}
	json_object_put(vfs);
	return nr;
}

static bool nic_exists(const char *nic)
{
	struct json_object *nics;
	bool found = false;

	if (files_connect(&files))
		return false;
	nics = client_ask(&files.client, "/vifd/nics");
	if (!nics)
		return files_failed(&files, "") == 0;
	json_object_object_foreach(nics, key, value)
	{
		(void)key;
		found |= !strcmp(text_of(value, "nic"), nic);
	}
	json_object_put(nics);
	return found;
}

/** struct link - The VF that is looked for, and its vif */
struct link {
	const char *vf;
	char vif[VIF_NAME_MAX];
};

static void take_link(void *arg, const char *vf, const char *vif)
{
	struct link *link = arg;

	if (!strcmp(link->vf, vf))
		snprintf(link->vif, sizeof(link->vif), "%s", vif);
}

static int fs_readlink(const char *path, char *text, size_t size)
{
	struct link link = { 0 };
	struct place place;

	if (find_place(path, &place) || place.kind != PLACE_VF)
		return -ENOENT;
	link.vf = place.second;
	each_vf(place.first, take_link, &link);
	if (!*link.vif)
		return -ENOENT;
	snprintf(text, size, "../vif/%s", link.vif);
	return 0;
}

static int fs_getattr(const char *path, struct stat *attr, struct fuse_file_info *info)
{
	char text[64];
	struct place place;
	int ret = find_place(path, &place);

	(void)info;
	memset(attr, 0, sizeof(*attr));
	attr->st_nlink = 1;
	attr->st_mode = S_IFDIR | 0755;
	if (ret)
		return ret;
	switch (place.kind) {
	case PLACE_ROOT:
	case PLACE_VIFS:
		return 0;
	case PLACE_NIC:
		return nic_exists(place.first) ? 0 : -ENOENT;
	case PLACE_VF:
		attr->st_mode = S_IFLNK | 0777;
		return fs_readlink(path, text, sizeof(text));
	case PLACE_VIF:
	case PLACE_STATS:
		break;
	default:
		attr->st_mode = S_IFREG |
				(place.file && file_is_writable(place.file) ? 0644 : 0444);
		attr->st_size = SYSFS_SIZE;
	}
	return vif_exists(place.second) ? 0 : -ENOENT;
}

/** struct listing - Where the names of a folder go */
struct listing {
	void *buffer;
	fuse_fill_dir_t fill;
};

static void take_name(void *arg, const char *name, const char *unused)
{
	struct listing *listing = arg;

	(void)unused;
	listing->fill(listing->buffer, name, NULL, 0, 0);
}

static void list_root(struct listing *listing)
{
	struct json_object *nics = files_connect(&files) ? NULL :
							   client_ask(&files.client, "/vifd/nics");

	take_name(listing, "vif", NULL);
	if (!nics)
		return;
	json_object_object_foreach(nics, key, nic)
	{
		(void)key;
		take_name(listing, text_of(nic, "nic"), NULL);
	}
	json_object_put(nics);
}

static void list_vifs(struct listing *listing)
{
	struct json_object *vifs = ask_pages("/vifd/vifs");

	for (size_t i = 0; vifs && i < json_object_array_length(vifs); i++)
		take_name(listing, json_object_get_string(json_object_array_get_idx(vifs, i)),
			  NULL);
	json_object_put(vifs);
}

static void list_files(struct listing *listing, bool stats)
{
	for (unsigned int n = 0; file_name(n); n++) {
		const char *in_stats = strchr(file_name(n), '/');

		if (stats && in_stats)
			take_name(listing, in_stats + 1, NULL);
		else if (!stats && !in_stats)
			take_name(listing, file_name(n), NULL);
	}
	if (stats)
		return;
	take_name(listing, "stats", NULL);
	take_name(listing, "error", NULL);
}

static int fs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	struct listing listing = { buffer, fill };
	struct place place;
	int ret = find_place(path, &place);

	(void)offset;
	(void)info;
	(void)flags;
	if (ret)
		return ret;
	take_name(&listing, ".", NULL);
	take_name(&listing, "..", NULL);
	if (place.kind == PLACE_ROOT)
		list_root(&listing);
	else if (place.kind == PLACE_VIFS)
		list_vifs(&listing);
	else if (place.kind == PLACE_NIC)
		each_vf(place.first, take_name, &listing);
	else
		list_files(&listing, place.kind == PLACE_STATS);
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *info)
{
	struct place place;
	int ret = find_place(path, &place);

	info->direct_io = 1; /* its size is not known before it is read */
	return ret;
}

static int fs_read(const char *path, char *buffer, size_t size, off_t offset,
		   struct fuse_file_info *info)
{
	char text[FILE_TEXT_MAX] = "";
	struct place place;
	int ret = find_place(path, &place);
	size_t len;

	(void)info;
	if (ret)
		return ret;
	if (place.kind == PLACE_ERROR)
		snprintf(text, sizeof(text), "%s%s",
			 strcmp(files.vif, place.second) ? "" : files.why, "\n");
	else
		ret = file_read(&files, place.second, place.file, text);
	len = strlen(text);
	if (ret || offset >= (off_t)len)
		return ret;
	len -= (size_t)offset;
	len = len < size ? len : size;
	memcpy(buffer, text + offset, len);
	return (int)len;
}

/* One write changes one rule, as in sysfs. */
static int fs_write(const char *path, const char *buffer, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	char text[FILE_TEXT_MAX];
	struct place place;
	int ret = find_place(path, &place);

	(void)info;
	if (ret || !place.file)
		return ret ? ret : -EACCES;
	if (offset || size >= sizeof(text) || memchr(buffer, '\0', size))
		return rule_wrong(&files, place.second, EINVAL,
				  "expected one write of less than %zu bytes of text",
				  sizeof(text));
	snprintf(text, sizeof(text), "%.*s", (int)size, buffer);
	text[strcspn(text, "\n")] = '\0';
	ret = file_write(&files, place.second, place.file, text);
	return ret ? ret : (int)size;
}

/* A shell's > does this first. */
static int fs_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	(void)path;
	(void)size;
	(void)info;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
		.getattr = fs_getattr,
		.readlink = fs_readlink,
		.readdir = fs_readdir,
		.open = fs_open,
		.read = fs_read,
		.write = fs_write,
		.truncate = fs_truncate,
	};
	char *arguments[] = {
		argv[0], "-f", "-s", "-o", "fsname=vifd,subtype=vifd", argv[1], NULL
	};

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("vifd-fs %s\n", VIFD_VERSION);
		return 0;
	}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr,
			"usage: vifd-fs FOLDER\nShows vifs as files below FOLDER, until it is ended; see vifd-fs(8).\n");
		return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	if (mkdir(argv[1], 0755) && errno != EEXIST) {
		fprintf(stderr, "vifd-fs: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return fuse_main(6, arguments, &operations, NULL);
}
