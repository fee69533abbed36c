/* SPDX-License-Identifier: BSD-3-Clause */
/* import: a VFd file becomes a file for policy_dir, on stdout. */
#include "import.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "vifctl.h"

#define FILE_MAX (64u * 1024)

static void tell(void *arg, const char *what)
{
	fprintf(stderr, "%s:%s%s\n", (const char *)arg, *what >= '0' && *what <= '9' ? "" : " ",
		what);
}

static char *read_text(const char *path, size_t *size)
{
	FILE *stream = fopen(path, "re");
	char *text = malloc(FILE_MAX);

	if (stream && text) {
		errno = 0;
		*size = fread(text, 1, FILE_MAX, stream);
		if (!ferror(stream) && *size < FILE_MAX && !memchr(text, '\0', *size)) {
			fclose(stream);
			return text;
		}
	}
	fprintf(stderr, "%s: %s\n", path,
		errno ? strerror(errno) : "expected less than 64 KiB of text");
	if (stream)
		fclose(stream);
	free(text);
	return NULL;
}

static void write_members(FILE *out, struct json_object *object, const char *before,
			  const char *between)
{
	json_object_object_foreach(object, name, value)
	{
		fprintf(out, "%s%s%s", before, name, between);
		for (const char *c = json_object_get_string(value); *c; c++)
			fputc((unsigned char)*c < ' ' ? '?' : *c, out);
		fputc('\n', out);
	}
}

void import_write(FILE *out, struct json_object *made, const char *path)
{
	fprintf(out, "# from VFd's %s\n", path);
	write_members(out, member_of(made, "from"), "# ", ": ");
	fputs("[match]\n", out);
	write_members(out, member_of(made, "match"), "", " = ");
	fputs("[policy]\n", out);
	write_members(out, member_of(made, "policy"), "", " = ");
}

/* What vifd would say of it. */
static bool is_right(struct json_object *made, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	int ret;

	if (!stream)
		return false;
	import_write(stream, made, "file");
	fclose(stream);
	stream = fmemopen(text, size, "r");
	ret = stream ? check_file(stream, path) : -errno;
	if (stream)
		fclose(stream);
	free(text);
	return !ret;
}

struct json_object *import_file(const char *path, const struct import_options *options)
{
	struct import_options wish = *options;
	struct json_object *made;
	char folder[4096];
	size_t size = 0;
	char *text = read_text(path, &size);

	snprintf(folder, sizeof(folder), "%s", path);
	if (!text)
		return NULL;
	wish.folder = dirname(folder);
	made = import_vfd(text, size, &wish, tell, (void *)(uintptr_t)path);
	free(text);
	if (made && is_right(made, path))
		return made;
	json_object_put(made);
	return NULL;
}

enum status vifctl_import(struct client *client, const struct options *options)
{
	const struct import_options wish = { .match = options->match, .mbps = options->mbps };
	const char *path = options->args[0];
	struct json_object *made = import_file(path, &wish);

	(void)client;
	if (!made)
		return STATUS_REFUSED;
	if (options->json)
		return print_json(made, false);
	import_write(stdout, made, path);
	json_object_put(made);
	return STATUS_OK;
}
