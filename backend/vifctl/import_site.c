/* SPDX-License-Identifier: BSD-3-Clause */
/* The other VF files of a site, by which a VF's number becomes an interface's address. */
#include "import.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *string_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* By which 'import' makes the [match] of that file, too. */
static const char *own_mac(struct json_object *vf)
{
	const char *mac = string_of(vf, "vm_mac");

	return mac ? mac : string_of(vf, "mac");
}

static bool is_that_vf(struct json_object *vf, const char *pciid, int64_t vfid)
{
	const char *its = string_of(vf, "pciid");
	struct json_object *number = NULL;

	json_object_object_get_ex(vf, "vfid", &number);
	return json_object_is_type(number, json_type_int) &&
	       json_object_get_int64(number) == vfid && !strcmp(its ? its : "", pciid);
}

static bool is_json(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(".json") && !strcmp(name + len - strlen(".json"), ".json");
}

/* Return: is this file that VF's, and says whose it is? */
static bool look_into(const char *path, const char *pciid, int64_t vfid, char mac[18])
{
	struct json_object *vf = json_object_from_file(path);
	bool found = json_object_is_type(vf, json_type_object) && is_that_vf(vf, pciid, vfid) &&
		     own_mac(vf) && strlen(own_mac(vf)) == 17;

	if (found)
		snprintf(mac, 18, "%s", own_mac(vf));
	json_object_put(vf);
	return found;
}

bool import_mac_of_vf(const char *folder, const char *pciid, int64_t vfid, char mac[18])
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[4096];

		if (is_json(entry->d_name) && snprintf(path, sizeof(path), "%s/%s", folder,
						       entry->d_name) < (int)sizeof(path))
			found = look_into(path, pciid, vfid, mac);
	}
	if (dir)
		closedir(dir);
	return found;
}
