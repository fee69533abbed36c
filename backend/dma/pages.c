/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE 4096u
/* bits of an entry in pagemap */
#define PRESENT (1ull << 63)
#define FRAME_MASK ((1ull << 55) - 1)

static int pagemap = -1;

void pages_open(void)
{
	pages_close();
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

void pages_close(void)
{
	if (pagemap >= 0)
		close(pagemap);
	pagemap = -1;
}

uint64_t pages_physical(const void *byte)
{
	uintptr_t at = (uintptr_t)byte;
	uint64_t entry;

	if (pagemap < 0 || pread(pagemap, &entry, sizeof(entry),
				 (off_t)(at / PAGE * sizeof(entry))) != sizeof(entry))
		return 0;
	if (!(entry & PRESENT) || !(entry & FRAME_MASK))
		return 0;
	return (entry & FRAME_MASK) * PAGE + at % PAGE;
}

bool pages_known(void)
{
	volatile char here = 1;

	return pages_physical((const void *)&here) != 0;
}

/* Return: MiB in free hugepages of one size; @name is "hugepages-2048kB" */
static uint64_t free_of_size(const char *root, const char *name)
{
	unsigned long long kib, nr = 0;
	char path[PATH_MAX];
	FILE *stream;

	if (sscanf(name, "hugepages-%llukB", &kib) != 1)
		return 0;
	snprintf(path, sizeof(path), "%s/kernel/mm/hugepages/%s/free_hugepages", root, name);
	stream = fopen(path, "re");
	if (!stream)
		return 0;
	if (fscanf(stream, "%llu", &nr) != 1)
		nr = 0;
	fclose(stream);
	return nr * kib / 1024;
}

uint64_t pages_free_mb(const char *root)
{
	char path[PATH_MAX];
	uint64_t mb = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/mm/hugepages", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		mb += free_of_size(root, entry->d_name);
	if (dir)
		closedir(dir);
	return mb;
}
