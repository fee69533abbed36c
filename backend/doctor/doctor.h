/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a host has to be for vifd, looked at without a vifd: one line for each thing, fine or with
 * the remedy.
 *
 * One thread; nothing is changed and nothing is locked. Files are read below a root, which is "/"
 * or a folder with files that were collected on another host; what only the hypervisor and xenstore
 * know is asked through struct doctor_xen.
 */
#ifndef VIFD_DOCTOR_DOCTOR_H
#define VIFD_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

#define DOCTOR_TEXT_MAX 320u

/* UNKNOWN: it cannot be seen from here. */
enum doctor_verdict { DOCTOR_OK, DOCTOR_WRONG, DOCTOR_UNKNOWN };

/**
 * struct doctor_line - One thing
 * @check:  "sriov"; the same word for each NIC
 * @nic:    its name, "" = the thing concerns the host
 * @text:   what was seen
 * @remedy: what to do, "" = nothing
 */
struct doctor_line {
	enum doctor_verdict verdict;
	const char *check, *nic;
	char text[DOCTOR_TEXT_MAX], remedy[DOCTOR_TEXT_MAX];
};

/**
 * struct doctor_xen - What only a running Xen knows
 * @key:     value of a node below /local/domain/<own>. Return: 0, -ENOENT no such node,
 *           -ENODATA nobody knows, -errno
 * @guarded: does an IOMMU confine this domain's devices? Return: 0, 1, -errno
 * @room_mb: MiB that the domain may still have from Xen. Return: MiB, -errno
 */
struct doctor_xen {
	int (*key)(void *arg, const char *path, char *value, uint32_t size);
	int (*guarded)(void *arg);
	int64_t (*room_mb)(void *arg);
	void *arg;
};

typedef void (*doctor_tell)(void *arg, const struct doctor_line *line);

/**
 * doctor_run() - Look at everything and tell it line by line
 * @root:   "" = this host
 * @config: of vifd, NULL = it could not be read; then NICs are not looked at
 *
 * Return: how many lines are DOCTOR_WRONG
 */
unsigned int doctor_run(const char *root, const struct config *config, const struct doctor_xen *xen,
			doctor_tell tell, void *arg);

/** doctor_live() - The Xen that we run on; what cannot be reached is unknown */
const struct doctor_xen *doctor_live(void);

/** doctor_image() - A collected host: xenstore.txt, by 'xenstore-ls -f', below @root */
const struct doctor_xen *doctor_image(const char *root);

#endif
