/* SPDX-License-Identifier: BSD-3-Clause */
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sysfs_read_number(const char *path, uint32_t *number)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -EIO;
	*number = (uint32_t)strtoul(text, NULL, 0);
	return 0;
}

int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int sysfs_link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	name[0] = '\0';
	if (len < 0)
		return -errno;
	target[len] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%.*s", (int)size - 1, slash ? slash + 1 : target);
	return 0;
}

void sysfs_first_entry(const char *dir, char *name, size_t size)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	name[0] = '\0';
	while (stream && !name[0] && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < size)
			strcpy(name, entry->d_name);
	if (stream)
		closedir(stream);
}

/* The first netdev in @device/net. Return: is there one? */
static bool netdev_in(const char *device, char *netdev, size_t size)
{
	char path[PATH_MAX + NAME_MAX + 8];

	snprintf(path, sizeof(path), "%s/net", device);
	sysfs_first_entry(path, netdev, size);
	return netdev[0] != '\0';
}

bool sysfs_netdev(const char *device, char *netdev, size_t size)
{
	DIR *stream;
	struct dirent *entry;
	char path[PATH_MAX + NAME_MAX + 2];

	if (netdev_in(device, netdev, size))
		return true;
	stream = opendir(device);
	while (stream && !netdev[0] && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, "virtio", strlen("virtio")) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", device, entry->d_name);
		netdev_in(path, netdev, size);
	}
	if (stream)
		closedir(stream);
	return netdev[0] != '\0';
}

int sysfs_pci_of(const char *root, const char *netdev, char *pci, size_t size)
{
	char path[PATH_MAX], device[PATH_MAX];

	pci[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/net/%.15s/device", root, netdev);
	if (!realpath(path, device))
		return -errno;
	for (int level = 0; level < 2; level++) {
		char *slash = strrchr(device, '/');

		if (!slash)
			break;
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%.15s", root, slash + 1);
		if (access(path, F_OK) == 0) {
			snprintf(pci, size, "%s", slash + 1);
			return level;
		}
		*slash = '\0';
	}
	return -ENODEV;
}

bool sysfs_any_entry(const char *dir, const char *prefix, const char *but)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	bool found = false;

	while (stream && !found && (entry = readdir(stream)))
		found = !strncmp(entry->d_name, prefix, strlen(prefix)) &&
			!(but && !strncmp(entry->d_name, but, strlen(but)));
	if (stream)
		closedir(stream);
	return found;
}
