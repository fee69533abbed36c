/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFd's own VF files, JSON, made into a file for policy_dir. Every field is
 * carried over or refused by its name; none is passed over.
 */
#ifndef VIFD_VIFCTL_IMPORT_H
#define VIFD_VIFCTL_IMPORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct import_options - What the file itself does not say
 * @match: "mac=...", "vifname=..." or "uuid=...", NULL = by the file's vm_mac or mac
 * @mbps:  the link's speed, of which VFd's rates are parts, 0 = not given
 * @folder: where the site's other VF files are: by them a mirror's target is known
 */
struct import_options {
	const char *match;
	unsigned int mbps;
	const char *folder;
};

/**
 * import_vfd() - One file
 * @text: its @size bytes
 * @tell: called for each thing that is wrong, with "FIELD: why" or "LINE:COLUMN: why"
 *
 * Return: {"from": {...}, "match": {...}, "policy": {...}}, the caller's to put; NULL if
 * anything was wrong
 */
struct json_object *import_vfd(const char *text, size_t size, const struct import_options *options,
			       void (*tell)(void *arg, const char *what), void *arg);

/** import_file() - The same of a file, and of its folder; says what is wrong on stderr */
struct json_object *import_file(const char *path, const struct import_options *options);

/** import_write() - What import_vfd() returned, as a file of policy_dir; @path: its source */
void import_write(FILE *out, struct json_object *made, const char *path);

/**
 * import_mac_of_vf() - Whose VF that is, by the VF files in a folder
 * @pciid: as in the files, "" = where they say none
 * @mac:   filled
 *
 * Return: false: no file there is that VF's, or it says no address
 */
bool import_mac_of_vf(const char *folder, const char *pciid, int64_t vfid, char mac[18]);

#endif
