/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void boot_read(char boot[BOOT_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(boot, 0, BOOT_MAX);
	if (fd < 0)
		return;
	(void)!read(fd, boot, BOOT_MAX - 1);
	close(fd);
}
