/* SPDX-License-Identifier: BSD-3-Clause */
/* Beside the kernel's xen-netback: it is loaded by vifd's rule and bound to none of vifd's interfaces. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/script.h"
#include "look.h"

/* Return: the file's last line about loading xen-netback is in @line */
static bool rule_of(const char *path, char *line, size_t size)
{
	char text[256];
	FILE *stream = fopen(path, "re");
	bool found = false;

	while (stream && fgets(text, sizeof(text), stream)) {
		if (strncmp(text, "install xen-netback", strlen("install xen-netback")))
			continue;
		snprintf(line, size, "%s", text);
		line[strcspn(line, "\n")] = '\0';
		found = true;
	}
	if (stream)
		fclose(stream);
	return found;
}

static bool find_rule(const struct look *look, const char *dir, char *line, size_t size)
{
	char path[PATH_MAX], file[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	look_path(look, path, "%s", dir);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		look_path(look, file, "%s/%s", dir, entry->d_name);
		found = rule_of(file, line, size);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void look_rule(struct look *look)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/usr/lib/modprobe.d",
					    "/lib/modprobe.d" };
	char line[256] = "";

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (find_rule(look, dirs[i], line, sizeof(line)))
			break;
	if (strstr(line, "load-netback"))
		look_ok(look, "xen-netback is loaded beside vifd");
	else if (line[0])
		look_wrong(look, "remove that line from modprobe.d",
			   "'%s': the kernel serves no interfaces", line);
	else
		look_wrong(
			look, "install modprobe.d/vifd.conf: 'make install', or the package vifd",
			"xen-netback would disturb vifd's guests if it were loaded while they run");
}

static bool is_vifds(const struct look *look, const char *node)
{
	const struct doctor_xen *xen = look->xen;
	char path[128], value[256];

	snprintf(path, sizeof(path), "%s/served-by", node);
	if (xen->key(xen->arg, path, value, sizeof(value)) == 0)
		return true;
	snprintf(path, sizeof(path), "%s/script", node);
	return xen->key(xen->arg, path, value, sizeof(value)) == 0 && script_is_ours(value);
}

static void look_bound(struct look *look)
{
	char path[PATH_MAX], wrong[32] = "";
	unsigned int others = 0, domid, handle;
	struct dirent *entry;
	DIR *folder;

	look_path(look, path, "/sys/bus/xen-backend/drivers/vif");
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		char node[64];

		if (sscanf(entry->d_name, "vif-%u-%u", &domid, &handle) != 2)
			continue;
		snprintf(node, sizeof(node), "backend/vif/%u/%u", domid, handle);
		if (is_vifds(look, node))
			snprintf(wrong, sizeof(wrong), "vif-%u-%u", domid, handle);
		else
			others++;
	}
	if (folder)
		closedir(folder);
	if (wrong[0])
		look_wrong(look, "start vifd, which takes it: systemctl restart vifd",
			   "xen-netback holds vifd's %s", wrong);
	else
		look_ok(look, "xen-netback holds none of vifd's interfaces, and %u others", others);
}

const struct check netback_checks[] = {
	{ "netback-rule", look_rule },
	{ "netback-bound", look_bound },
	{ NULL, NULL },
};
