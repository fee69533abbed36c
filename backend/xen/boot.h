/* SPDX-License-Identifier: BSD-3-Clause */
/* Identifies the boot of the machine: a list of pages that are ours holds only for one boot. */
#ifndef VIFD_XEN_BOOT_H
#define VIFD_XEN_BOOT_H

#define BOOT_MAX 40u

/** boot_read() - Read the boot's name, padded with zeros; all zero = not known */
void boot_read(char boot[BOOT_MAX]);

#endif
