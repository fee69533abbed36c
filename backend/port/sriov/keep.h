/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of a VF before vifd changed it, kept in the run folder: a vifd that is
 * killed leaves its changes in place, and the next one must not take them for the
 * original. One file per VF, as long as the VF is changed; a reboot undoes the changes
 * and removes the files. Called by the thread that opens VFs, of files of its own
 * also by the control thread; blocks for a file.
 */
#ifndef VIFD_PORT_SRIOV_KEEP_H
#define VIFD_PORT_SRIOV_KEEP_H

#include <stdbool.h>
#include <stddef.h>

#define KEEP_NAME_MAX 32u

/** keep_set_dir() - Called once, at the start. Creates @dir if needed; it must outlive all calls */
void keep_set_dir(const char *dir);

/**
 * keep_original() - Keep @state, or fetch the state that an earlier vifd kept
 * @name:  the VF's PCI address, perhaps with a word before it; shorter than KEEP_NAME_MAX
 * @state: the present state; replaced by the kept one if there is one of @size bytes
 *
 * A state that cannot be kept is logged and is no failure.
 */
void keep_original(const char *name, void *state, size_t size);

/** keep_load() - Fetch what an earlier vifd kept. Return: false: nothing, @state is unchanged */
bool keep_load(const char *name, void *state, size_t size);

/** keep_forget() - The original state is restored */
void keep_forget(const char *name);

#endif
