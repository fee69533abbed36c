/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory Xen still allows this domain. */
#ifndef VIFD_XEN_ROOM_H
#define VIFD_XEN_ROOM_H

#include <stdint.h>

/** room_mb() - Between what the domain has and its maximum. Return: MiB, -errno */
int64_t room_mb(void);

#endif
