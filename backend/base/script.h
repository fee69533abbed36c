/* SPDX-License-Identifier: BSD-3-Clause */
/* Which hotplug scripts mean that vifd serves an interface. */
#ifndef VIFD_BASE_SCRIPT_H
#define VIFD_BASE_SCRIPT_H

#include <stdbool.h>
#include <string.h>

/** script_is_ours() - vif-vifd, or a name that begins with vif-vifd-; with or without its folder */
static inline bool script_is_ours(const char *script)
{
	static const char ours[] = "vif-vifd";
	const char *name = strrchr(script, '/');

	name = name ? name + 1 : script;
	return !strncmp(name, ours, strlen(ours)) &&
	       (name[strlen(ours)] == '\0' || name[strlen(ours)] == '-');
}

#endif
