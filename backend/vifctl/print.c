/* SPDX-License-Identifier: BSD-3-Clause */
#include "print.h"

#include <stdio.h>
#include <string.h>

enum status print_json(struct json_object *object, bool lines)
{
	puts(json_object_to_json_string_ext(
		object, lines ? JSON_C_TO_STRING_PLAIN :
				JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(object);
	return STATUS_OK;
}

bool counts_drops(const char *counter)
{
	static const char drop[] = "x_drop_", bytes[] = "_bytes";
	size_t len = strlen(counter);

	return len > strlen(bytes) && !strncmp(counter + 1, drop, strlen(drop)) &&
	       strcmp(counter + len - strlen(bytes), bytes) != 0;
}

uint64_t vif_drops(struct json_object *vif)
{
	struct json_object *counters = member_of(vif, "counters");
	uint64_t sum = 0;

	if (!counters)
		return 0;
	json_object_object_foreach(counters, name, value)
	{
		if (counts_drops(name))
			sum += json_object_get_uint64(value);
	}
	return sum;
}
