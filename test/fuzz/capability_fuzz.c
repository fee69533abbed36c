/* SPDX-License-Identifier: BSD-3-Clause */
/* links: common/capability.c */
/* The parser of the capability record; an accepted record is written and reads back the same. */
#include "fuzz.h"

#include "common/capability.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[VIFCAP_TEXT_MAX + 1];
	struct vifcap cap, again;
	char *copy = malloc(size ? size : 1);
	int len;

	if (size)
		memcpy(copy, data, size); /* ends where its allocation ends */
	memset(&cap, 0xa5, sizeof(cap));
	if (!vifcap_parse(&cap, copy, size)) {
		fuzz_check(vifcap_has(&cap, VIFCAP_WORD_VERSION));
		fuzz_check(cap.generation >= 1);
		len = vifcap_format(&cap, text, sizeof(text));
		if (len > 0) {
			fuzz_check((size_t)len == strlen(text));
			fuzz_check(!vifcap_parse(&again, text, (size_t)len));
			fuzz_check(again.generation == cap.generation);
		}
	}
	free(copy);
	return 0;
}
