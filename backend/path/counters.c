/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
} counters[COUNTERS] = {
#define X(name, text) [COUNT_##name] = { #name, text },
#define RULE(name, text) X(name, text) X(name##_bytes, "bytes of " #name)
	PATH_COUNTERS(X, RULE)
#undef RULE
#undef X
};

const char *path_counter_name(enum path_counter which)
{
	return which < COUNTERS ? counters[which].name : NULL;
}

const char *path_counter_text(enum path_counter which)
{
	return which < COUNTERS ? counters[which].text : NULL;
}
