/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/vfpool.c port/sriov/given.c port/sriov/in_use.c base/text.c port/sriov/bind.c port/sriov/keep.c port/sriov/sysfs.c port/eth/driver.c log.c */
/* wraps: getifaddrs freeifaddrs */
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "port/sriov/keep.h"
#include "port/sriov/vfpool.h"

static const struct rte_ether_addr mac = { { 0, 0x16, 0x3e, 1, 2, 3 } };
static char root[64];
static char run_dir[80];

/* The one address of this host. */
static struct sockaddr_storage address;
static struct ifaddrs host_address = { .ifa_addr = (struct sockaddr *)&address };

int __wrap_getifaddrs(struct ifaddrs **all);
void __wrap_freeifaddrs(struct ifaddrs *all);

int __wrap_getifaddrs(struct ifaddrs **all)
{
	*all = host_address.ifa_name ? &host_address : NULL;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}

#define DEVICE "class/net/eth0/device"

/* A tree like sysfs's: $root/class/net/eth0/device and its VFs. */
static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[1024];
	int len = snprintf(command, sizeof(command), "cd %s && ", root);
	va_list args;

	va_start(args, format);
	vsnprintf(command + len, sizeof(command) - (size_t)len, format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static void file(const char *path, const char *text)
{
	run("echo '%s' > class/net/eth0/device/%s", text, path);
}

static void add_vf(unsigned int index, const char *netdev)
{
	run("mkdir -p devices/0000:01:10.%u%s%s && "
	    "ln -s ../../../../devices/0000:01:10.%u class/net/eth0/device/virtfn%u",
	    index, netdev[0] ? "/net/" : "", netdev, index, index);
}

/* A netdev as sysfs shows it. */
static void netdev(const char *name, const char *ifindex, const char *flags)
{
	run("mkdir -p class/net/%s && echo %s > class/net/%s/ifindex && echo %s > class/net/%s/flags",
	    name, ifindex, name, flags, name);
}

static int make_tree(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	host_address.ifa_name = NULL;
	strcpy(root, "/tmp/vfpool.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	run("mkdir -p class/net/eth0/device devices");
	file("sriov_totalvfs", "7");
	file("sriov_numvfs", "2");
	add_vf(0, "eth1");
	add_vf(1, "eth2");
	return 0;
}

static int remove_tree(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static int numvfs(void)
{
	char path[PATH_MAX];
	FILE *stream;
	int nr = -1;

	snprintf(path, sizeof(path), "%s/class/net/eth0/device/sriov_numvfs", root);
	stream = fopen(path, "r");
	if (!stream || fscanf(stream, "%d", &nr) != 1)
		nr = -1;
	if (stream)
		fclose(stream);
	return nr;
}

static void vfs_that_exist_are_used_as_they_are(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 5, CONFIG_DRIVER_AUTO);
	struct vfpool_vf vfs[VFPOOL_MAX];

	(void)state;
	assert_non_null(pool);
	assert_int_equal(numvfs(), 2);
	assert_int_equal(vfpool_list(pool, vfs, VFPOOL_MAX), 2);
	assert_string_equal(vfs[1].pci, "0000:01:10.1");
	assert_string_equal(vfs[1].netdev, "eth2");
	assert_string_equal(vfs[1].owner, "");
	vfpool_close(pool);
}

static void each_vf_is_given_once(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	struct vfpool_vf first, second, none;

	(void)state;
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &first), 0);
	assert_int_equal(vfpool_take(pool, "vif 2.0", &mac, NULL, &second), 0);
	assert_int_not_equal(first.index, second.index);
	assert_int_equal(vfpool_take(pool, "vif 3.0", &mac, NULL, &none), -ENODEV);
	vfpool_release(pool, first.index);
	assert_int_equal(vfpool_take(pool, "vif 3.0", &mac, NULL, &none), 0);
	assert_int_equal(none.index, first.index);
	vfpool_close(pool);
}

static void host_has_address(const char *netdev, sa_family_t family, const char *text)
{
	struct sockaddr_in6 *six = (void *)&address;

	host_address.ifa_name = (char *)netdev;
	address.ss_family = family;
	if (family == AF_INET6)
		assert_int_equal(inet_pton(family, text, &six->sin6_addr), 1);
}

/* Return: how many of the two VFs are free */
static uint32_t free_vfs(struct vfpool *pool)
{
	uint32_t vfs;

	return vfpool_count(pool, &vfs);
}

static void vf_that_the_host_itself_uses_is_left_to_it(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	struct vfpool_vf vf, none;

	(void)state;
	host_has_address("eth1", AF_INET, "");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "eth2");
	assert_int_equal(vfpool_take(pool, "vif 2.0", &mac, NULL, &none), -ENODEV);
	vfpool_release(pool, vf.index);
	host_has_address("eth1", AF_INET6, "fe80::1");
	assert_int_equal(free_vfs(pool), 2);
	host_has_address("eth1", AF_INET6, "fd00::1");
	assert_int_equal(free_vfs(pool), 1);
	host_address.ifa_name = NULL;
	run("mkdir -p class/net/eth1 && ln -s ../br0 class/net/eth1/master");
	assert_int_equal(free_vfs(pool), 1);
	run("rm class/net/eth1/master && touch class/net/eth1/upper_vd7.10");
	assert_int_equal(free_vfs(pool), 2);
	run("touch class/net/eth1/upper_eth1.5");
	assert_int_equal(free_vfs(pool), 1);
	/* one that a vif has is the vif's, whatever happens to it */
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	host_has_address("eth2", AF_INET, "");
	assert_int_equal(free_vfs(pool), 0);
	assert_int_equal(vfpool_list(pool, &vf, 1), 1);
	vfpool_close(pool);
}

static void listed_vf_is_ours_even_with_an_address(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	netdev("vf0", "5", "0x1003");
	pool = vfpool_list_open(root, "vf0", CONFIG_DRIVER_AUTO);
	host_has_address("vf0", AF_INET, "");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	vfpool_close(pool);
}

static void listed_vf_that_comes_later_is_used(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	pool = vfpool_list_open(root, "late0", CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), -ENODEV);
	netdev("late0", "6", "0x1003");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "late0");
	vfpool_close(pool);
}

static void owner_and_mac_are_listed_until_the_release(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	struct vfpool_vf vf, vfs[4];

	(void)state;
	assert_int_equal(vfpool_take(pool, "vif 9.1", &mac, NULL, &vf), 0);
	assert_int_equal(vfpool_list(pool, vfs, 4), 2);
	assert_string_equal(vfs[vf.index].owner, "vif 9.1");
	assert_memory_equal(&vfs[vf.index].mac, &mac, sizeof(mac));
	vfpool_release(pool, vf.index);
	vfpool_list(pool, vfs, 4);
	assert_string_equal(vfs[vf.index].owner, "");
	assert_int_equal(vfs[vf.index].mac.addr_bytes[1], 0);
	vfpool_close(pool);
}

static void skipped_and_netdevless_vfs_are_not_given(void **state)
{
	struct vfpool *pool;
	uint64_t skip[VFPOOL_MAX / 64] = { 1 };
	struct vfpool_vf vf;

	(void)state;
	run("rmdir devices/0000:01:10.1/net/eth2");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	assert_int_equal(vfpool_take(pool, "a", &mac, skip, &vf), -ENODEV);
	run("mkdir devices/0000:01:10.1/net/eth7");
	assert_int_equal(vfpool_take(pool, "a", &mac, skip, &vf), 0);
	assert_string_equal(vf.netdev, "eth7");
	vfpool_close(pool);
}

static void bind_vf(unsigned int index, const char *driver)
{
	run("mkdir -p drivers/%s && ln -sfn ../../drivers/%s devices/0000:01:10.%u/driver", driver,
	    driver, index);
}

static void a_vf_without_netdev_is_native_if_its_driver_leaves_it_to_us(void **state)
{
	static const char *const drivers[] = { "vfio-pci", "uio_pci_generic", "igb_uio" };
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	const uint64_t skip[VFPOOL_MAX / 64] = { 1 };
	struct vfpool_vf vf;

	(void)state;
	run("rmdir devices/0000:01:10.1/net/eth2");
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		bind_vf(1, drivers[i]);
		assert_int_equal(vfpool_take(pool, "a", &mac, skip, &vf), 0);
		assert_true(vf.native);
		assert_string_equal(vf.netdev, "");
		vfpool_release(pool, vf.index);
	}
	bind_vf(1, "pciback");
	assert_int_equal(vfpool_take(pool, "a", &mac, skip, &vf), -ENODEV);
	vfpool_close(pool);
}

static void without_native_drivers_only_netdevs_are_given(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	run("rmdir devices/0000:01:10.1/net/eth2");
	bind_vf(0, "igbvf");
	bind_vf(1, "vfio-pci");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_NETDEV);
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), 0);
	assert_int_equal(vf.index, 0);
	assert_false(vf.native);
	assert_int_equal(vfpool_take(pool, "b", &mac, NULL, &vf), -ENODEV);
	vfpool_close(pool);
}

/* Where the kernel does not act on it, it is tried once for as long as the VF is there. */
static void vf_that_appears_later_is_bound_too(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_NATIVE);
	struct vfpool_vf vf;
	uint32_t vfs;

	(void)state;
	run("mkdir -p bus/pci/drivers/uio_pci_generic && ln -s ../../devices bus/pci/devices && "
	    "touch bus/pci/drivers_probe devices/0000:01:10.0/driver_override "
	    "devices/0000:01:10.1/driver_override");
	vfpool_bind(pool, true);
	run("grep -q 0000:01:10 bus/pci/drivers_probe && : > bus/pci/drivers_probe");
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), 0);
	vfpool_release(pool, vf.index);
	run("! grep -q . bus/pci/drivers_probe");
	run("mv class/net/eth0/device/virtfn1 .");
	assert_int_equal(vfpool_count(pool, &vfs), 1);
	run("mv virtfn1 class/net/eth0/device/");
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), 0);
	run("grep -q 0000:01:10.1 bus/pci/drivers_probe");
	vfpool_close(pool);
}

static void vf_that_vanishes_while_owned_can_be_given_back(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	char netdev[IF_NAMESIZE];
	struct vfpool_vf vf, vfs[4];

	(void)state;
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), 0);
	run("rm class/net/eth0/device/virtfn*");
	assert_int_equal(vfpool_netdev(pool, vf.index, netdev), -ENODEV);
	assert_int_equal(vfpool_list(pool, vfs, 4), 0);
	vfpool_release(pool, vf.index);
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), -ENODEV);
	vfpool_close(pool);
}

static void vfs_are_created_when_there_are_none(void **state)
{
	struct vfpool *pool;

	(void)state;
	/* they exist already here: the number that is written is what counts */
	file("sriov_numvfs", "0");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	assert_int_equal(numvfs(), 2);
	vfpool_close(pool);
	file("sriov_numvfs", "0");
	pool = vfpool_open(root, DEVICE, "eth0", 0, CONFIG_DRIVER_AUTO);
	assert_int_equal(numvfs(), 0);
	vfpool_close(pool);
}

static void no_more_are_created_than_the_nic_has(void **state)
{
	struct vfpool *pool;

	(void)state;
	file("sriov_totalvfs", "2");
	file("sriov_numvfs", "0");
	pool = vfpool_open(root, DEVICE, "eth0", 64, CONFIG_DRIVER_AUTO);
	assert_int_equal(numvfs(), 2);
	vfpool_close(pool);
}

static void pf_without_sriov_or_not_writable_is_an_empty_pool(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	run("rm -r class/net/eth0/device/* && mkdir class/net/eth0/device/sriov_numvfs");
	file("sriov_totalvfs", "2");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), -ENODEV);
	vfpool_close(pool);
	run("rm -r class/net/eth0");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_take(pool, "a", &mac, NULL, &vf), -ENODEV);
	vfpool_close(pool);
}

static void vfs_of_a_pf_that_comes_later_are_created_then(void **state)
{
	struct vfpool *pool;
	uint32_t vfs;

	(void)state;
	run("mv class/net/eth0 .");
	pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_count(pool, &vfs), 0);
	run("mv eth0 class/net/");
	file("sriov_numvfs", "0");
	/* the kernel's driver binds at once here */
	vfpool_create(pool, 2);
	assert_int_equal(numvfs(), 2);
	assert_int_equal(vfpool_count(pool, &vfs), 2);
	/* its driver is bound again: it has none */
	run("mv class/net/eth0/device/virtfn* .");
	file("sriov_numvfs", "0");
	assert_int_equal(vfpool_count(pool, &vfs), 0);
	run("mv virtfn* class/net/eth0/device/");
	vfpool_create(pool, 2);
	assert_int_equal(numvfs(), 2);
	assert_int_equal(vfpool_count(pool, &vfs), 2);
	vfpool_close(pool);
}

static void bound_to(unsigned int index, const char *driver)
{
	run("mkdir -p bus/pci/devices/0000:01:10.%u bus/pci/drivers/%s && "
	    "ln -sfn ../../drivers/%s bus/pci/devices/0000:01:10.%u/driver",
	    index, driver, driver, index);
}

static struct vfpool_reach reach_of(struct vfpool *pool)
{
	struct vfpool_reach reach;

	vfpool_reach(pool, &reach);
	return reach;
}

static void what_vfs_receive_is_known_by_their_driver(void **state)
{
	char text[DRIVER_TEXT_MAX];
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 2, CONFIG_DRIVER_AUTO);

	(void)state;
	assert_non_null(pool);
	bound_to(0, "iavf");
	bound_to(1, "iavf");
	assert_int_equal(reach_of(pool).macs, 16);
	assert_true(reach_of(pool).promiscuous);
	assert_true(reach_of(pool).needs_trust);
	vfpool_describe(pool, text);
	assert_non_null(strstr(text, "net_iavf"));
	/* virtio's own do not ask a PF */
	bound_to(0, "virtio-pci");
	bound_to(1, "virtio-pci");
	assert_int_equal(reach_of(pool).macs, 64);
	assert_false(reach_of(pool).needs_trust);
	bound_to(0, "iavf");
	/* a vif may get any of them */
	bound_to(1, "bnxt_en");
	assert_int_equal(reach_of(pool).macs, 3);
	assert_true(reach_of(pool).promiscuous);
	/* its PF does not take addresses out of its filter again */
	bound_to(1, "igbvf");
	assert_int_equal(reach_of(pool).macs, 0);
	assert_false(reach_of(pool).promiscuous);
	/* care is taken with what nobody knows */
	bound_to(1, "newvf");
	assert_int_equal(reach_of(pool).macs, 0);
	assert_false(reach_of(pool).promiscuous);
	vfpool_close(pool);
}

static void netdev_on_no_bus_receives_everything(void **state)
{
	struct vfpool *pool;

	(void)state;
	netdev("veth7", "7", "0x1003");
	pool = vfpool_list_open(root, "veth7", CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_true(reach_of(pool).promiscuous);
	assert_int_equal(reach_of(pool).macs, UINT32_MAX);
	vfpool_close(pool);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

static void listed_netdevs_are_vfs_without_a_pf(void **state)
{
	struct vfpool_vf vf, vfs[VFPOOL_MAX];
	struct vfpool *pool;

	(void)state;
	run("mkdir -p bus/pci class/net/vf0 class/net/vf9 devices/0000:05:00.3 && "
	    "ln -s ../../devices bus/pci/devices && "
	    "ln -s ../../../devices/0000:05:00.3 class/net/vf9/device");
	pool = vfpool_list_open(root, " vf0  later vf9", CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_list(pool, vfs, VFPOOL_MAX), 2);
	assert_string_equal(vfs[0].pci, "vf0");
	assert_string_equal(vfs[1].pci, "0000:05:00.3");
	assert_string_equal(vfs[1].netdev, "vf9");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_int_equal(vfpool_take(pool, "vif 2.0", &mac, NULL, &vf), 0);
	assert_int_equal(vfpool_take(pool, "vif 3.0", &mac, NULL, &vf), -ENODEV);
	run("mkdir class/net/later");
	assert_int_equal(vfpool_take(pool, "vif 3.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "later");
	vfpool_close(pool);
}

static void a_listed_address_is_a_vf_by_its_driver(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	run("mkdir -p bus/pci && ln -s ../../devices bus/pci/devices && mkdir devices/0000:05:00.3");
	pool = vfpool_list_open(root, "0000:05:00.3", CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), -ENODEV);
	run("mkdir -p drivers/vfio-pci && ln -s ../../drivers/vfio-pci devices/0000:05:00.3/driver");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_true(vf.native);
	assert_string_equal(vf.pci, "0000:05:00.3");
	vfpool_close(pool);
}

/* The netdev is that of a device on the PCI function. */
static void netdev_of_virtio_is_found_one_level_deeper(void **state)
{
	const char *name = "vf0 0000:05:00.4";
	struct vfpool_vf vfs[VFPOOL_MAX];
	struct vfpool *pool;

	(void)state;
	run("mkdir -p bus/pci class/net/vf0 devices/0000:05:00.3/virtio7/net/vf0 && "
	    "mkdir -p devices/0000:05:00.4/virtio8/net/vf1 && ln -s ../../devices bus/pci/devices && "
	    "ln -s ../../../devices/0000:05:00.3/virtio7 class/net/vf0/device");
	pool = vfpool_list_open(root, name, CONFIG_DRIVER_AUTO);
	assert_non_null(pool);
	assert_int_equal(vfpool_list(pool, vfs, VFPOOL_MAX), 2);
	assert_string_equal(vfs[0].pci, "0000:05:00.3");
	assert_string_equal(vfs[1].netdev, "vf1");
	vfpool_close(pool);
}

static void a_listed_name_that_no_netdev_can_have_is_refused(void **state)
{
	(void)state;
	assert_null(vfpool_list_open(root, "vf0 a-name-of-sixteen", CONFIG_DRIVER_AUTO));
	assert_int_equal(errno, EINVAL);
}

static void vf_that_was_set_down_is_free_when_it_is_up_again(void **state)
{
	struct vfpool *pool = vfpool_open(root, DEVICE, "eth0", 0, CONFIG_DRIVER_AUTO);
	struct vfpool_vf vf;
	uint32_t vfs;

	(void)state;
	netdev("eth1", "11", "0x1002");
	netdev("eth2", "12", "0x1003");
	assert_int_equal(vfpool_count(pool, &vfs), 2);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "eth1");
	vfpool_shun(pool, vf.index);
	vfpool_release(pool, vf.index);
	assert_int_equal(vfpool_count(pool, &vfs), 1);
	assert_int_equal(vfs, 2);
	netdev("eth1", "11", "0x1003");
	assert_int_equal(vfpool_count(pool, &vfs), 2);
	/* up as it is now, or another one of the same name */
	netdev("eth1", "11", "0x1002");
	vfpool_shun(pool, vf.index);
	assert_int_equal(vfpool_count(pool, &vfs), 1);
	netdev("eth1", "31", "0x1002");
	assert_int_equal(vfpool_count(pool, &vfs), 2);
	vfpool_close(pool);
}

/* @type: 0 = the PF gave it the address, 1 = its driver invented one */
static void has_address_of(const char *name, const char *address, int type)
{
	netdev(name, "9", "0x1003");
	run("echo %s > class/net/%s/address && echo %d > class/net/%s/addr_assign_type", address,
	    name, type, name);
}

static void listed_vf_with_the_vif_s_address_is_the_first_choice(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	has_address_of("vf0", "00:16:3e:01:02:04", 0);
	has_address_of("vf1", "00:16:3e:01:02:03", 0);
	pool = vfpool_list_open(root, "vf0 vf1", CONFIG_DRIVER_NETDEV);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "vf1");
	assert_int_equal(vfpool_take(pool, "vif 2.0", &mac, NULL, &vf), 0);
	assert_string_equal(vf.netdev, "vf0");
	vfpool_close(pool);
}

/* The first try is needed: drivers and PFs differ. Once the PF gives it another one, it is tried again. */
static void listed_vf_that_refused_an_address_is_left_to_its_own(void **state)
{
	static const struct rte_ether_addr other = { { 0, 0x16, 0x3e, 1, 2, 4 } };
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	has_address_of("vf0", "00:16:3e:01:02:04", 0);
	pool = vfpool_list_open(root, "vf0", CONFIG_DRIVER_NETDEV);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	vfpool_refused(pool, vf.index);
	vfpool_release(pool, vf.index);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), -ENODEV);
	assert_int_equal(vfpool_take(pool, "vif 2.0", &other, NULL, &vf), 0);
	vfpool_release(pool, vf.index);
	has_address_of("vf0", "00:16:3e:01:02:05", 0);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	vfpool_close(pool);
}

/* DPDK's driver would not notice that the PF refuses the address. */
static void native_vf_has_only_the_address_that_its_pf_gave_it(void **state)
{
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	run("mkdir -p bus/pci drivers/uio_pci_generic devices/0000:05:00.3/net/vf0 && ln -s ../../devices bus/pci/devices");
	has_address_of("vf0", "00:16:3e:01:02:04", 0);
	pool = vfpool_list_open(root, "0000:05:00.3", CONFIG_DRIVER_NATIVE);
	run("rm -r devices/0000:05:00.3/net class/net/vf0 && "
	    "ln -s ../../drivers/uio_pci_generic devices/0000:05:00.3/driver");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), -ENODEV);
	vfpool_close(pool);
	run("rm devices/0000:05:00.3/driver && mkdir devices/0000:05:00.3/net devices/0000:05:00.3/net/vf0");
	has_address_of("vf0", "00:16:3e:01:02:04", 1);
	pool = vfpool_list_open(root, "0000:05:00.3", CONFIG_DRIVER_NATIVE);
	run("rm -r devices/0000:05:00.3/net class/net/vf0 && "
	    "ln -s ../../drivers/uio_pci_generic devices/0000:05:00.3/driver");
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), 0);
	assert_true(vf.native);
	vfpool_close(pool);
}

/* A vifd that was killed left the VF to a process's driver, so no netdev tells the address any more. */
static void address_that_a_pf_gave_is_known_after_a_kill(void **state)
{
	static const struct rte_ether_addr its_own = { { 0, 0x16, 0x3e, 1, 2, 4 } };
	struct vfpool *pool;
	struct vfpool_vf vf;

	(void)state;
	run("mkdir -p run bus/pci drivers/uio_pci_generic devices/0000:05:00.3/net/vf0 && "
	    "ln -s ../../devices bus/pci/devices && ln -s ../../drivers bus/pci/drivers && "
	    "ln -s ../../drivers/uio_pci_generic devices/0000:05:00.3/driver");
	snprintf(run_dir, sizeof(run_dir), "%s/run", root);
	keep_set_dir(run_dir);
	has_address_of("vf0", "00:16:3e:01:02:04", 0);
	pool = vfpool_list_open(root, "0000:05:00.3", CONFIG_DRIVER_NATIVE);
	vfpool_bind(pool, true);
	vfpool_close(pool);
	run("rm -r devices/0000:05:00.3/net class/net/vf0");
	pool = vfpool_list_open(root, "0000:05:00.3", CONFIG_DRIVER_NATIVE);
	vfpool_bind(pool, true);
	assert_int_equal(vfpool_take(pool, "vif 1.0", &mac, NULL, &vf), -ENODEV);
	assert_int_equal(vfpool_take(pool, "vif 2.0", &its_own, NULL, &vf), 0);
	vfpool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(vfs_that_exist_are_used_as_they_are),
		fact(each_vf_is_given_once),
		fact(vf_that_the_host_itself_uses_is_left_to_it),
		fact(listed_vf_is_ours_even_with_an_address),
		fact(listed_vf_that_comes_later_is_used),
		fact(owner_and_mac_are_listed_until_the_release),
		fact(skipped_and_netdevless_vfs_are_not_given),
		fact(a_vf_without_netdev_is_native_if_its_driver_leaves_it_to_us),
		fact(without_native_drivers_only_netdevs_are_given),
		fact(vf_that_appears_later_is_bound_too),
		fact(vf_that_vanishes_while_owned_can_be_given_back),
		fact(vfs_are_created_when_there_are_none),
		fact(no_more_are_created_than_the_nic_has),
		fact(pf_without_sriov_or_not_writable_is_an_empty_pool),
		fact(listed_netdevs_are_vfs_without_a_pf),
		fact(a_listed_address_is_a_vf_by_its_driver),
		fact(netdev_of_virtio_is_found_one_level_deeper),
		fact(a_listed_name_that_no_netdev_can_have_is_refused),
		fact(vf_that_was_set_down_is_free_when_it_is_up_again),
		fact(vfs_of_a_pf_that_comes_later_are_created_then),
		fact(what_vfs_receive_is_known_by_their_driver),
		fact(netdev_on_no_bus_receives_everything),
		fact(listed_vf_with_the_vif_s_address_is_the_first_choice),
		fact(listed_vf_that_refused_an_address_is_left_to_its_own),
		fact(native_vf_has_only_the_address_that_its_pf_gave_it),
		fact(address_that_a_pf_gave_is_known_after_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
