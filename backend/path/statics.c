/* SPDX-License-Identifier: BSD-3-Clause */
#include "statics.h"

#include <string.h>

uintptr_t *statics_reserve(const struct statics *statics, uint32_t ref, uint32_t *limit)
{
	uint32_t wanted = 256;
	uintptr_t *page;

	while (wanted <= ref)
		wanted *= 2;
	if (wanted < statics->limit)
		wanted = statics->limit;
	page = calloc(wanted, sizeof(*page));
	if (!page)
		return NULL;
	if (statics->limit)
		memcpy(page, statics->page, statics->limit * sizeof(*page));
	*limit = wanted;
	return page;
}
