/* SPDX-License-Identifier: BSD-3-Clause */
/* Which boot of the machine this is: lists of what is ours are believed in the same one only. */
#ifndef VIFD_XEN_BOOT_H
#define VIFD_XEN_BOOT_H

#define BOOT_MAX 40u

/** boot_read() - The boot's name, padded with zeros; all zero = not known */
void boot_read(char boot[BOOT_MAX]);

#endif
