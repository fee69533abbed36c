/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a VF was before vifd changed it, kept in the run folder: a vifd that was
 * killed leaves its changes behind, and the next one must not take them for the
 * original. One file a VF, there as long as the VF is changed; gone with a reboot
 * as the changes are. Whoever opens VFs calls this; blocks for a file.
 */
#ifndef VIFD_PORT_SRIOV_KEEP_H
#define VIFD_PORT_SRIOV_KEEP_H

#include <stddef.h>

/** keep_set_dir() - Once, at the start; made if it is not there; must outlive all calls */
void keep_set_dir(const char *dir);

/**
 * keep_original() - Keep @state, or take what an earlier life kept
 * @name:  of the VF: its PCI address
 * @state: as it is now; replaced by what is kept already, if that has @size bytes
 *
 * Logs what cannot be kept; that is no failure.
 */
void keep_original(const char *name, void *state, size_t size);

/** keep_forget() - The original state is restored */
void keep_forget(const char *name);

#endif
