/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where log.h's lines go in vifctl: to stderr, bare, as compilers write them; or
 * into an array, for those who asked for JSON. Errors and warnings only. One thread.
 */
#ifndef VIFD_VIFCTL_LOG_JSON_H
#define VIFD_VIFCTL_LOG_JSON_H

#include <json-c/json.h>

/**
 * log_to_json() - From now on each line becomes an object in @lines: file, line, column, error
 * @lines: an array, which stays the caller's; NULL = to stderr, as at the start
 */
void log_to_json(struct json_object *lines);

#endif
