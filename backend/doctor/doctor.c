/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <string.h>

#include "look.h"

static void run(struct look *look, const struct check *checks)
{
	for (; checks->name; checks++) {
		look->line = (struct doctor_line){ .check = checks->name, .nic = "" };
		checks->look(look);
	}
}

static void run_nic(struct look *look, const struct config_nic *nic)
{
	for (const struct nic_check *check = nic_checks; check->name; check++) {
		look->line = (struct doctor_line){ .check = check->name, .nic = nic->name };
		check->look(look, nic);
	}
}

unsigned int doctor_run(const char *root, const struct config *config, const struct doctor_xen *xen,
			doctor_tell tell, void *arg)
{
	struct look look = { .root = root, .config = config, .xen = xen, .tell = tell, .arg = arg };
	char type[16];

	look_text(&look, type, sizeof(type), "/sys/hypervisor/guest_type");
	look.pv = !strcmp(type, "PV");
	run(&look, host_checks);
	run(&look, netback_checks);
	for (uint32_t i = 0; config && i < config->nr_nics; i++)
		run_nic(&look, &config->nics[i]);
	return look.wrong;
}
