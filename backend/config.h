/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the daemon: /etc/vifd/vifd.conf, INI.
 *
 * Constant after start. A wrong option or value is reported with file, line,
 * column, section, key and what was expected, and vifd does not start
 * half-configured.
 * The table in config.c is the only list of options: defaults, --help and the
 * manual page's list all come from it.
 */
#ifndef VIFD_CONFIG_H
#define VIFD_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"

#define CONFIG_FILE "/etc/vifd/vifd.conf"
#define CONFIG_POLICY_DIR "/etc/vifd/vif.d"
#define CONFIG_CAPTURE_DIR "/var/log/vifd"
#define CONFIG_NICS_MAX 16u
#define CONFIG_NIC_NAME_MAX 32u
#define CONFIG_WORKERS_MAX 32u
#define CONFIG_QUEUES_MAX 16u
#define CONFIG_VDEV_MAX 96u
#define CONFIG_DEVICES_MAX 256u

/** enum config_memory - Where packet buffers are; dma/dma.h */
enum config_memory {
	CONFIG_MEMORY_AUTO,
	CONFIG_MEMORY_XEN,
	CONFIG_MEMORY_HUGEPAGES,
	CONFIG_MEMORY_PLAIN,
};

/** enum config_zero_copy - Do devices read and write guests' pages? */
enum config_zero_copy {
	CONFIG_ZERO_COPY_AUTO, /* where an IOMMU confines devices to granted pages */
	CONFIG_ZERO_COPY_OFF,
	CONFIG_ZERO_COPY_TRUSTED, /* without one, too */
};

/** enum config_foreign - What is done about values of a VF that others change by the PF */
enum config_foreign {
	CONFIG_FOREIGN_REFUSE,
	CONFIG_FOREIGN_ADOPT, /* as a rule of the vif, if there is one for it */
	CONFIG_FOREIGN_REPORT,
};

/** enum config_driver - Who drives a NIC's VFs */
enum config_driver {
	CONFIG_DRIVER_AUTO,   /* as each is found: by DPDK, or by the kernel's netdev */
	CONFIG_DRIVER_NATIVE, /* by DPDK where that can be: they are bound for it */
	CONFIG_DRIVER_NETDEV, /* by netdevs only */
};

/** enum config_claim - Which vifs of this domain are vifd's; vif/claim.h */
enum config_claim {
	CONFIG_CLAIM_SCRIPT, /* those whose script says so */
	CONFIG_CLAIM_ALL,
};

/** enum config_representor - Has each vif a netdev in this domain? vif/representor.h */
enum config_representor {
	CONFIG_REPRESENTOR_OFF,
	CONFIG_REPRESENTOR_ON,
	CONFIG_REPRESENTOR_DPDM, /* and its private flags are DPDM's commands */
};

/** enum config_power - Do workers' processors get slower when there is little to do? power.h */
enum config_power { CONFIG_POWER_OFF, CONFIG_POWER_ON };

#define CONFIG_CLASSES 8u

/** enum config_classes - What tells a frame's traffic class on a NIC's wire; as enum classes_by */
enum config_classes { CONFIG_CLASSES_NONE, CONFIG_CLASSES_PCP, CONFIG_CLASSES_DSCP };

/** enum config_assign - Who has a VF where there are fewer than vifs that prefer one */
enum config_assign {
	CONFIG_ASSIGN_FIXED, /* who has one keeps it */
	CONFIG_ASSIGN_LOAD,  /* the busiest */
};

/**
 * struct config_nic - [nic NAME]: one physical NIC and its switch
 * @name:   as in the section's title; a vif whose bridge= key is this name, or
 *          the uplink's or the PF's, belongs to this NIC
 * @pf:     netdev of the physical function, "" = no VFs on this NIC
 * @uplink: netdev that the software switch's wire is on, "" = the PF, "none" =
 *          no wire
 * @uplink_mbps: rate of the wire, Mbit/s, which the switch never exceeds; 0 = what the link says
 * @classes: what tells the class of a frame on the wire
 * @class_min: of each class, percent of the wire that it has before other classes while it is full
 * @class_max: of each class, most percent of the wire that it has
 * @vfs:    VFs to create when there are none yet; those found are used as they are
 * @devices: VFs of a host without their PF: netdevs or PCI addresses, blanks between; "" = the PF's
 * @assign: who has a VF
 * @driver: who drives the VFs
 * @foreign: what happens to a value of a VF in use that somebody else changes
 * @vf_queues: most queue pairs of a VF that DPDK's own driver has
 * @vdev:   "" = VFs, else a DPDK virtual device for each vif in place of one
 */
struct config_nic {
	char name[CONFIG_NIC_NAME_MAX];
	char pf[IF_NAMESIZE];
	char uplink[IF_NAMESIZE];
	uint32_t uplink_mbps;
	enum config_classes classes;
	uint8_t class_min[CONFIG_CLASSES], class_max[CONFIG_CLASSES];
	uint32_t vfs;
	char devices[CONFIG_DEVICES_MAX];
	enum config_driver driver;
	enum config_foreign foreign;
	enum config_assign assign;
	uint32_t vf_queues;
	char vdev[CONFIG_VDEV_MAX];
};

#define CONFIG_POLICY_MAX 64u

/** struct config_cpus - Linux' numbers of processors; none: any */
struct config_cpus {
	uint32_t nr;
	uint16_t cpu[CONFIG_WORKERS_MAX];
};

/** struct config_policy - One line of [policy]; policy/policy.h knows keys and values */
struct config_policy {
	char key[32];
	char value[2048];
	uint32_t line, column; /* of the value */
};

/**
 * struct config - Everything that can be set
 * @workers:     polling threads, 1..CONFIG_WORKERS_MAX
 * @cpus:        where they run, one each in this order
 * @poll_us:     how long an idle worker goes on polling before it sleeps
 * @memory_mb:   packet memory in MiB, all of it allocated at start
 * @memory:      where it comes from
 * @zero_copy:   are frames sent from guests' own pages, and received into them
 * @approval_s:  how long a guest's request waits for a program that approves it; 0 = rules decide
 * @backlog_kb:  frames waiting for a guest that posts no buffers, KiB per queue
 * @max_queues:  multi-queue-max-queues offered to guests
 * @claim: which vifs are served
 * @representor: is there a netdev for each of them
 * @power: have workers processors of their own, whose frequency follows their load
 * @log_level:   least important level that is logged
 * @run_dir:     sockets and state of the running daemon
 * @policy_dir:  files with the policy of single vifs
 * @capture_dir: files with their frames
 * @policy:      what holds for every vif, as it is written
 * @file:        the file's name, for messages about @policy
 */
struct config {
	uint32_t workers;
	struct config_cpus cpus;
	uint32_t poll_us;
	uint32_t memory_mb;
	enum config_memory memory;
	enum config_zero_copy zero_copy;
	uint32_t backlog_kb;
	uint32_t approval_s;
	uint32_t max_queues;
	enum config_claim claim;
	enum config_representor representor;
	enum config_power power;
	enum log_level log_level;
	char run_dir[64];
	char policy_dir[64];
	char capture_dir[64];
	char file[64];
	uint32_t nr_policy;
	struct config_policy policy[CONFIG_POLICY_MAX];
	uint32_t nr_nics;
	struct config_nic nics[CONFIG_NICS_MAX];
};

/**
 * config_load() - Read and check a configuration file
 * @config: Filled with defaults, then with what the file says
 * @path:   File
 *
 * Before threads start. Logs what is wrong: file, line, column, expectation.
 * Return: 0, -EINVAL (contents), -errno (file)
 */
int config_load(struct config *config, const char *path);

/** config_read() - config_load() of an open file; @path is for messages */
int config_read(struct config *config, FILE *stream, const char *path);

/**
 * config_missing() - Tell which devices and folders that it names are not there, each in a line
 *
 * Defaults may be absent. Return: how many
 */
uint32_t config_missing(const struct config *config);

/** config_help() - Print every section and option, its range and default, to stdout */
void config_help(void);

#endif
