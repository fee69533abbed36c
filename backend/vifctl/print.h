/* SPDX-License-Identifier: BSD-3-Clause */
/* What several commands print alike. */
#ifndef VIFD_VIFCTL_PRINT_H
#define VIFD_VIFCTL_PRINT_H

#include <stdbool.h>

#include "client.h"

/** print_json() - One line, or indented; puts @object */
enum status print_json(struct json_object *object, bool lines);

/** counts_drops() - Does a counter of a vif count dropped frames? Not one of their bytes */
bool counts_drops(const char *counter);

/** vif_drops() - Frames dropped, all causes, both directions */
uint64_t vif_drops(struct json_object *vif);

#endif
