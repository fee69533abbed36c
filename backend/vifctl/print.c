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

uint64_t vif_drops(struct json_object *vif)
{
	struct json_object *counters = member_of(vif, "counters");
	uint64_t sum = 0;

	if (!counters)
		return 0;
	json_object_object_foreach(counters, name, value)
	{
		if (!strncmp(name + 1, "x_drop_", strlen("x_drop_")))
			sum += json_object_get_uint64(value);
	}
	return sum;
}
