/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
} counters[COUNTERS] = {
#define X(name, text) [COUNT_##name] = { #name, text },
	PATH_COUNTERS(X)
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
