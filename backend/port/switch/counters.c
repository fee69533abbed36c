/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <stddef.h>

static const char *const names[SWITCH_DROP_CAUSES] = {
#define X(name, text) [SWITCH_DROP_##name] = "drop_" #name,
	SWITCH_DROPS(X)
#undef X
};

const char *switch_drop_name(enum switch_drop cause)
{
	return cause < SWITCH_DROP_CAUSES ? names[cause] : NULL;
}
