// SPDX-License-Identifier: BSD-3-Clause
/* simctl: the toolstack of the sim bed, for people and scripts */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../toolstack/toolstack.h"

static const char help[] =
	"Usage: simctl COMMAND ...        the bed is $VIFD_SIM\n"
	"  create NAME [type=pv|hvm|pvh] [domid=N]   prints the domain's id\n"
	"  destroy DOM                    as xl destroy: vifs removed, then the domain\n"
	"  kill DOM                       the domain is gone, nobody cleans up\n"
	"  shutdown DOM [REASON]          it stops itself (0 poweroff, 1 reboot, 3 crash)\n"
	"  vif-add DOM [KEY=VALUE]...     devid mac bridge rate mtu vlan ip script vifname\n"
	"                                 gatewaydev backend=DOM trusted=0 wait=no; script default:\n"
	"                                 $SIM_VIF_SCRIPT, else none; prints DOMID.DEVID\n"
	"  vif-del DOM DEVID              as xl network-detach\n"
	"  burst N [KEY=VALUE]...         N domains, their vifs written at once; prints the\n"
	"                                 longest time until a vif was in InitWait, in ms\n"
	"  list                           domains\n"
	"  stats [NAME|PID]               what each process has mapped, bound, copied, asked\n"
	"DOM is a name or a number. Exit status: 0 good, 1 failed, 2 usage.\n";

static uint32_t dom_arg(const char *name)
{
	int id = toolstack_domid(name);

	if (id < 0) {
		fprintf(stderr, "simctl: no such domain: %s\n", name);
		exit(1);
	}
	return (uint32_t)id;
}

static int cmd_create(struct xs_handle *xs, int argc, char **argv)
{
	enum sim_dom_type type = SIM_DOM_PV;
	uint32_t domid = 0;
	int id;

	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "domid=", 6))
			domid = (uint32_t)strtoul(argv[i] + 6, NULL, 10);
		else if (!strcmp(argv[i], "type=hvm"))
			type = SIM_DOM_HVM;
		else if (!strcmp(argv[i], "type=pvh"))
			type = SIM_DOM_PVH;
		else if (strcmp(argv[i], "type=pv"))
			return 2;
	}
	id = toolstack_create(xs, domid, type, argv[0]);
	if (id < 0)
		return 1;
	printf("%d\n", id);
	return 0;
}

static int cmd_destroy(struct xs_handle *xs, int argc, char **argv)
{
	(void)argc;
	return toolstack_destroy(xs, dom_arg(argv[0])) ? 1 : 0;
}

static int cmd_kill(struct xs_handle *xs, int argc, char **argv)
{
	(void)argc;
	return toolstack_kill(xs, dom_arg(argv[0])) ? 1 : 0;
}

static int cmd_shutdown(struct xs_handle *xs, int argc, char **argv)
{
	(void)xs;
	simhv->dom[dom_arg(argv[0])].shutdown = 1 + (argc > 1 ? (uint32_t)atoi(argv[1]) : 0);
	return 0;
}

static bool vif_word(struct vif_config *vif, bool *has_devid, const char *word)
{
	const struct {
		const char *key, **to;
	} keys[] = {
		{ "mac=", &vif->mac },
		{ "bridge=", &vif->bridge },
		{ "rate=", &vif->rate },
		{ "mtu=", &vif->mtu },
		{ "vlan=", &vif->vlan },
		{ "ip=", &vif->ip },
		{ "script=", &vif->script },
		{ "vifname=", &vif->vifname },
		{ "gatewaydev=", &vif->gatewaydev },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strncmp(word, keys[i].key, strlen(keys[i].key)))
			continue;
		*keys[i].to = word + strlen(keys[i].key);
		return true;
	}
	if (!strncmp(word, "devid=", 6)) {
		vif->devid = (uint32_t)strtoul(word + 6, NULL, 10);
		*has_devid = true;
		return true;
	}
	if (!strncmp(word, "backend=", 8)) {
		vif->backend = dom_arg(word + 8);
		return true;
	}
	vif->no_wait |= !strcmp(word, "wait=no");
	vif->untrusted |= !strcmp(word, "trusted=0");
	return !strcmp(word, "wait=no") || !strncmp(word, "trusted=", 8);
}

/* A MAC of Xen's range, unless one was given */
static void mac_default(struct vif_config *vif, char *mac, size_t size)
{
	if (vif->mac)
		return;
	snprintf(mac, size, "00:16:3e:%02x:%02x:%02x", vif->domid >> 8 & 0xff, vif->domid & 0xff,
		 vif->devid & 0xff);
	vif->mac = mac;
}

static int cmd_vif_add(struct xs_handle *xs, int argc, char **argv)
{
	struct vif_config vif = { .domid = dom_arg(argv[0]) };
	bool has_devid = false;
	char mac[24];

	for (int i = 1; i < argc; i++)
		if (!vif_word(&vif, &has_devid, argv[i]))
			return 2;
	if (!has_devid)
		vif.devid = vif_next_devid(xs, vif.domid);
	mac_default(&vif, mac, sizeof(mac));
	if (vif_add(xs, &vif))
		return 1;
	printf("%u.%u\n", vif.domid, vif.devid);
	return 0;
}

static int cmd_vif_del(struct xs_handle *xs, int argc, char **argv)
{
	if (argc < 2)
		return 2;
	return vif_del(xs, dom_arg(argv[0]), (uint32_t)atoi(argv[1]), false) ? 1 : 0;
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int cmd_burst(struct xs_handle *xs, int argc, char **argv)
{
	uint32_t n = (uint32_t)atoi(argv[0]), first = 0;
	double written[SIM_DOMS], worst = 0;
	struct vif_config vif = { 0 };
	char mac[24], name[32];
	bool has_devid;

	for (int i = 1; i < argc; i++)
		if (!vif_word(&vif, &has_devid, argv[i]))
			return 2;
	for (uint32_t i = 0; i < n && i < SIM_DOMS; i++) {
		int id;

		snprintf(name, sizeof(name), "burst%u", i);
		id = toolstack_create(xs, 0, SIM_DOM_PV, name);
		if (id < 0)
			return 1;
		first = i ? first : (uint32_t)id;
	}
	for (uint32_t i = 0; i < n; i++) {
		vif.domid = first + i;
		vif.mac = NULL;
		mac_default(&vif, mac, sizeof(mac));
		if (vif_nodes_write(xs, &vif))
			return 1;
		written[i] = now_ms();
	}
	for (uint32_t i = 0; i < n; i++) {
		if (vif_wait_state(xs, first + i, vif.devid, 2, TOOLSTACK_INIT_MS))
			return 1;
		if (now_ms() - written[i] > worst)
			worst = now_ms() - written[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		vif.domid = first + i;
		if (vif_hotplug(xs, &vif, "online"))
			return 1;
	}
	printf("%.0f %u\n", worst, first);
	return 0;
}

static int cmd_list(struct xs_handle *xs, int argc, char **argv)
{
	static const char *const type[] = { "pv", "hvm", "pvh" };

	(void)xs, (void)argc, (void)argv;
	for (uint32_t i = 0; i < SIM_DOMS; i++) {
		struct sim_dom *d = &simhv->dom[i];

		if (d->state == SIM_DOM_LIVE || (d->state == SIM_DOM_DYING && d->maps))
			printf("%-4u %-4s %-6s maps=%u %s\n", i, type[d->type],
			       d->state == SIM_DOM_DYING ? "dying" :
			       d->shutdown		 ? "down" :
							   "live",
			       d->maps, d->name);
	}
	return 0;
}

static int cmd_stats(struct xs_handle *xs, int argc, char **argv)
{
	(void)xs;
	for (uint32_t i = 0; i < SIM_PROCS; i++) {
		struct sim_proc *p = &simhv->proc[i];
		uint64_t calls = 0, segments = 0, bytes = 0, errors = 0;

		if (!p->used || (argc && strcmp(argv[0], p->name) && atoi(argv[0]) != p->pid))
			continue;
		for (uint32_t g = 0; g < SIM_PROC_GNT; g++) {
			calls += p->gnt[g].calls;
			segments += p->gnt[g].segments;
			bytes += p->gnt[g].bytes;
			errors += p->gnt[g].errors;
		}
		printf("name=%s pid=%d maps=%u binds=%u maps_total=%llu notifies=%llu "
		       "store_requests=%llu "
		       "copy_calls=%llu copy_segments=%llu copy_bytes=%llu copy_errors=%llu\n",
		       p->name, p->pid, p->maps, p->binds, (unsigned long long)p->maps_total,
		       (unsigned long long)p->notifies, (unsigned long long)p->store_requests,
		       (unsigned long long)calls, (unsigned long long)segments,
		       (unsigned long long)bytes, (unsigned long long)errors);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct xs_handle *xs, int argc, char **argv);
	int args;
} commands[] = {
	{ "create", cmd_create, 1 },   { "destroy", cmd_destroy, 1 },
	{ "kill", cmd_kill, 1 },       { "shutdown", cmd_shutdown, 1 },
	{ "vif-add", cmd_vif_add, 1 }, { "vif-del", cmd_vif_del, 2 },
	{ "burst", cmd_burst, 1 },     { "list", cmd_list, 0 },
	{ "stats", cmd_stats, 0 },
};

int main(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct xs_handle *xs;
		int status;

		if (strcmp(argv[1], commands[i].name) || argc - 2 < commands[i].args)
			continue;
		xs = toolstack_open();
		status = xs ? commands[i].run(xs, argc - 2, argv + 2) : 1;
		xs_close(xs);
		if (status != 2)
			return status;
		break;
	}
	fputs(help, stderr);
	return 2;
}
