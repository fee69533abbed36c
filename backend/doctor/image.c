/* SPDX-License-Identifier: BSD-3-Clause */
/* A host whose files were collected, with 'xenstore-ls -f >xenstore.txt' beside them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* `/local/domain/0/domid = "0"`, as xenstore-ls -f prints it. Return: is it the node @path? */
static bool take_line(const char *line, const char *path, char *value, uint32_t size)
{
	unsigned int domid;
	int len = 0;
	size_t path_len = strlen(path);

	if (sscanf(line, "/local/domain/%u/%n", &domid, &len) != 1 || !len)
		return false;
	line += len;
	if (strncmp(line, path, path_len) || strncmp(line + path_len, " = \"", 4))
		return false;
	line += path_len + 4;
	snprintf(value, size, "%.*s", (int)strcspn(line, "\""), line);
	return true;
}

static int image_key(void *arg, const char *path, char *value, uint32_t size)
{
	char file[PATH_MAX], line[1024];
	bool found = false;
	FILE *stream;

	snprintf(file, sizeof(file), "%s/xenstore.txt", (const char *)arg);
	stream = fopen(file, "re");
	if (!stream)
		return -ENODATA;
	while (!found && fgets(line, sizeof(line), stream))
		found = take_line(line, path, value, size);
	fclose(stream);
	return found ? 0 : -ENOENT;
}

static int image_guarded(void *arg)
{
	(void)arg;
	return -ENOENT;
}

static int64_t image_room_mb(void *arg)
{
	(void)arg;
	return -ENOENT;
}

const struct doctor_xen *doctor_image(const char *root)
{
	static struct doctor_xen image = {
		.key = image_key,
		.guarded = image_guarded,
		.room_mb = image_room_mb,
	};

	image.arg = (void *)(uintptr_t)root;
	return &image;
}
