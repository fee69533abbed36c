/* SPDX-License-Identifier: BSD-3-Clause */
#include "override.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_memory.h>

#include "config_space.h"
#include "xen/extent.h"

/* Main thread: w; @address any: r. */
static struct {
	uint64_t (*address)(const void *byte); /* NULL: do as the library */
	bool mapped;
	size_t expected;
} override;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Return: the library's function of this name */
static void *original(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int rte_eal_using_phys_addrs(void)
{
	int (*real)(void) = (int (*)(void))original("rte_eal_using_phys_addrs");

	return override.address ? 1 : real();
}

phys_addr_t rte_mem_virt2phy(const void *virt)
{
	phys_addr_t (*real)(const void *) =
		(phys_addr_t(*)(const void *))original("rte_mem_virt2phy");
	uint64_t address;

	if (!override.address)
		return real(virt);
	address = override.address(virt);
	return address ? address : RTE_BAD_IOVA;
}

rte_iova_t rte_mem_virt2iova(const void *virt)
{
	rte_iova_t (*real)(const void *) =
		(rte_iova_t(*)(const void *))original("rte_mem_virt2iova");

	return override.address && rte_eal_iova_mode() != RTE_IOVA_VA ? rte_mem_virt2phy(virt) :
									real(virt);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	if (override.expected && len == override.expected && flags & MAP_FIXED) {
		int ret = extent_map(addr);

		override.expected = 0;
		override.mapped = ret == 0;
		if (ret == 0)
			return addr;
		errno = -ret;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

int open64(const char *path, int flags, ...)
{
	int fd = config_space_open(path);
	va_list args;
	mode_t mode = 0;

	if (fd >= 0)
		return fd;
	va_start(args, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

bool override_possible(void)
{
	return dlsym(RTLD_DEFAULT, "mmap64") == (void *)mmap64 &&
	       dlsym(RTLD_DEFAULT, "rte_eal_using_phys_addrs") ==
		       (void *)rte_eal_using_phys_addrs &&
	       dlsym(RTLD_DEFAULT, "rte_mem_virt2iova") == (void *)rte_mem_virt2iova;
}
#else
bool override_possible(void)
{
	return false;
}
#endif

void override_addresses(uint64_t (*address)(const void *byte))
{
	override.address = address;
}

void override_mapping(size_t bytes)
{
	override.mapped = false;
	override.expected = bytes;
}

bool override_mapped(void)
{
	return override.mapped;
}

void override_end(void)
{
	override.address = NULL;
	override.expected = 0;
}
