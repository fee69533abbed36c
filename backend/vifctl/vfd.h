/* SPDX-License-Identifier: BSD-3-Clause */
/* VFd's 'show', for vfd.c. */
#ifndef VIFD_VIFCTL_VFD_H
#define VIFD_VIFCTL_VFD_H

#include "client.h"

/**
 * vfd_show() - The table that VFd prints: a line for each PF and each VF
 * @what: all, extended, pfs, mirrors, or a PF's number
 *
 * rx and tx are the VF's: rx is what the guest receives. Return: a string; NULL after a message
 */
struct json_object *vfd_show(struct client *client, const char *what);

#endif
