/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "common/ring.h"
#include "path/static_maps.h"
#include "control.h"
#include "port/memory.h"
#include "port/retire.h"
#include "port/sriov/vfpool.h"
#include "vif/names.h"
#include "data.h"
#include "version.h"

/* How long the control thread may be busy with others. */
#define WAIT_MS 3000u

/* Of a page; DPDK's answers end at 16 KiB, a VF is 170 bytes at most, a name 14. */
#define VFS_A_PAGE 64u
#define VIFS_A_PAGE 512u

static struct {
	struct vifs *vifs;
	const struct host *host;
} telemetry;

/**
 * struct question - One command on its way through the control thread
 * @params: what stands behind the command's name, "" = nothing
 * @why:    set to why there is no answer; @text has room for one
 */
struct question {
	const char *params;
	struct rte_tel_data *d;
	const char *why;
	char text[POLICY_ERROR_MAX];
};

/* Where a page begins; nothing = at the beginning. */
static bool take_from(struct question *question, uint32_t *from)
{
	const char *text = question->params;

	*from = 0;
	if (*text && (text_u32(text, 0, UINT32_MAX, from))) {
		question->why = "expected the number of the first entry";
		return false;
	}
	return true;
}

/* DOMID.HANDLE off the front of @text. Return: false: it begins otherwise, and nothing was taken */
static bool take_number(const char **text, uint32_t *domid, uint32_t *handle)
{
	const char *at = *text;

	if (text_take_u32(&at, 0, UINT16_MAX, domid) || !text_take(&at, '.') ||
	    text_take_u32(&at, 0, UINT16_MAX, handle) || !strchr(".,", *at))
		return false;
	*text = at;
	return true;
}

/* The vif that the word at the front of @text means; names.h says what it may be. */
static struct vif *take_vif(struct question *question, const char **text)
{
	uint32_t domid, handle;
	struct vif *vif;
	char name[80];
	size_t len;

	if (take_number(text, &domid, &handle)) {
		vif = vifs_find(telemetry.vifs, domid, handle);
		if (!vif)
			question->why = "no such vif";
		return vif;
	}
	len = strcspn(*text, ",");
	snprintf(name, sizeof(name), "%.*s", (int)len, *text);
	*text += len;
	vif = names_find(telemetry.host, name, question->text);
	if (!vif)
		question->why = question->text;
	return vif;
}

static int answer_vifs(void *arg)
{
	struct question *question = arg;
	const struct vif *vif;
	uint32_t from;

	if (!take_from(question, &from))
		return 0;
	rte_tel_data_start_array(question->d, RTE_TEL_STRING_VAL);
	vif = vifs_at(telemetry.vifs, from);
	for (uint32_t i = 0; i < VIFS_A_PAGE && vif; i++, vif = TAILQ_NEXT(vif, link))
		rte_tel_data_add_array_string(question->d, vif->name + strlen("vif "));
	return 0;
}

static int answer_vif(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	const struct vif *vif = take_vif(question, &text);

	if (vif && *text)
		question->why = "expected a vif: DOMID.HANDLE, vifname or guest's name";
	else if (vif)
		put_vif(question->d, vif);
	return 0;
}

static int answer_queue(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	const struct vif *vif = take_vif(question, &text);
	uint32_t queue;

	if (!vif)
		return 0;
	if (!text_take(&text, '.') || text_take_u32(&text, 0, UINT16_MAX, &queue) || *text)
		question->why = "expected a queue, DOMID.HANDLE.N";
	else if (!vif->path || queue >= path_nr_queues(vif->path))
		question->why = "the vif has no such queue";
	else
		put_counters(question->d, vif, queue, queue);
	return 0;
}

static int answer_vfs(void *arg)
{
	struct question *question = arg;
	struct nic_vf_info info[VFPOOL_MAX];
	uint32_t from, index = 0;

	if (!take_from(question, &from))
		return 0;
	for (uint32_t i = 0; i < telemetry.host->nr_nics; i++) {
		const struct nic *nic = telemetry.host->nics[i];
		uint32_t nr = nic_vf_list(nic, info, VFPOOL_MAX);

		for (uint32_t vf = 0; vf < nr; vf++, index++) {
			char name[12];

			if (index < from || index - from >= VFS_A_PAGE)
				continue;
			snprintf(name, sizeof(name), "%u", index);
			put_vf(put_dict(question->d, name), nic, &info[vf]);
		}
	}
	return 0;
}

/* @name: its PCI address, its netdev, NIC/INDEX, or the vif that has it */
static bool vf_is_called(const struct nic *nic, const struct nic_vf_info *info, const char *name)
{
	size_t len = strlen(nic_name(nic));
	uint32_t index;

	if (!strncmp(name, nic_name(nic), len) && name[len] == '/' &&
	    !text_u32(name + len + 1, 0, UINT16_MAX, &index))
		return index == info->index;
	return !strcmp(name, info->pci) || (info->netdev[0] && !strcmp(name, info->netdev)) ||
	       (info->owner[0] && !strcmp(name, info->owner + strlen("vif ")));
}

/* The vif whose frames go by it now */
static const struct vif *vif_of_vf(const struct nic_vf_info *info)
{
	const struct vif *vif;

	TAILQ_FOREACH (vif, &telemetry.host->vifs, link)
		if (vif->path && path_get_port(vif->path)->kind == PORT_VF &&
		    !strcmp(path_get_port(vif->path)->name, info->pci))
			return vif;
	return NULL;
}

static int answer_vf(void *arg)
{
	struct question *question = arg;
	struct nic_vf_info info[VFPOOL_MAX];

	for (uint32_t i = 0; i < telemetry.host->nr_nics; i++) {
		const struct nic *nic = telemetry.host->nics[i];
		uint32_t nr = nic_vf_list(nic, info, VFPOOL_MAX);

		for (uint32_t vf = 0; vf < nr; vf++) {
			if (!vf_is_called(nic, &info[vf], question->params))
				continue;
			put_vf_all(question->d, nic, &info[vf], vif_of_vf(&info[vf]));
			return 0;
		}
	}
	question->why = "no such VF: expected its PCI address, netdev or vif, or NIC/INDEX";
	return 0;
}

static int answer_reset(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	struct vif *vif = take_vif(question, &text);

	if (!vif)
		return 0;
	if (*text) {
		question->why = "expected a vif";
	} else if (!vif->path) {
		question->why = "the vif is not connected";
	} else {
		path_reset_counters(vif->path);
		put_text(question->d, "reset", vif->name + strlen("vif "));
	}
	return 0;
}

/* Frames that ended in the switch, by cause; of a policy's causes each vif has its own. */
static void put_switch(struct rte_tel_data *d, const struct nic *nic)
{
	struct switch_stats stats;

	if (!d)
		return;
	nic_switch_stats(nic, &stats);
	for (enum switch_drop cause = 0; cause < SWITCH_DROP_CAUSES; cause++)
		put_number(d, switch_drop_name(cause), stats.dropped[cause]);
}

static void put_nic(struct rte_tel_data *d, struct nic *nic)
{
	struct nic_vf_info info[VFPOOL_MAX];
	char native[DRIVER_TEXT_MAX];
	struct port_link link;
	uint32_t nr, taken = 0;

	if (!d)
		return;
	nr = nic_vf_list(nic, info, VFPOOL_MAX);
	for (uint32_t i = 0; i < nr; i++)
		taken += info[i].owner[0] != '\0';
	nic_uplink_link(nic, &link);
	put_text(d, "nic", nic_name(nic));
	put_number(d, "link", link.up);
	put_number(d, "speed_mbps", link.speed_mbps);
	put_number(d, "vfs", nr);
	put_number(d, "vfs_taken", taken);
	nic_describe(nic, native);
	put_text(d, "native", native);
	put_switch(put_dict(d, "switch"), nic);
}

static int answer_nics(void *arg)
{
	struct question *question = arg;

	for (uint32_t i = 0; i < telemetry.host->nr_nics; i++) {
		char name[12];

		snprintf(name, sizeof(name), "%u", i);
		put_nic(put_dict(question->d, name), telemetry.host->nics[i]);
	}
	return 0;
}

/* A pool's name begins with the first, and it holds the second. */
static const char *const pool_uses[][2] = {
	{ "vifd", "frames of all vifs; each may hold its share" },
	{ "nic", "clones of group frames for the software vifs of a NIC; each may hold its share" },
	{ "worker", "segments for the guests of a worker; each may hold its share" },
	{ "cut", "segments that one device sends" },
};

static void put_pool(struct rte_mempool *pool, void *arg)
{
	struct question *question = arg;
	const char *use = "frames that one device receives";
	struct rte_tel_data *d;
	char name[RTE_MEMPOOL_NAMESIZE];

	/* telemetry takes no other names */
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = (char)(pool->name[i] && !isalnum(pool->name[i]) ? '_' : pool->name[i]);
	name[sizeof(name) - 1] = '\0';
	d = put_dict(question->d, name);
	if (!d)
		return;
	for (size_t i = 0; i < RTE_DIM(pool_uses); i++)
		if (!strncmp(pool->name, pool_uses[i][0], strlen(pool_uses[i][0])))
			use = pool_uses[i][1];
	put_text(d, "holds", use);
	put_number(d, "buffers", memory_size(pool));
	put_number(d, "free", rte_mempool_avail_count(pool));
	put_number(d, "bytes_each", pool->elt_size);
}

static void put_maps(struct question *question, const char *name, const char *use, uint32_t most,
		     uint32_t used, uint32_t bytes)
{
	struct rte_tel_data *d = put_dict(question->d, name);

	if (!d)
		return;
	put_text(d, "holds", use);
	put_number(d, "buffers", most);
	put_number(d, "free", most - RTE_MIN(used, most));
	put_number(d, "bytes_each", bytes);
}

static int answer_memory(void *arg)
{
	struct static_maps_use all;

	pools_lock();
	rte_mempool_walk(put_pool, arg);
	pools_unlock();
	static_maps_of(0, &all);
	put_maps(arg, "static_pages",
		 "guests' pages of static grants; each guest a quarter at most", STATIC_PAGES_MAX,
		 all.pages, NETIF_PAGE_SIZE);
	put_maps(arg, "static_maps", "their mappings; each guest a quarter at most",
		 STATIC_MAPS_MAX, all.maps, 0);
	return 0;
}

static int answer_move(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	struct vif *vif = take_vif(question, &text);
	enum vif_move move;

	if (!vif)
		return 0;
	if (!strcmp(text, ",vf"))
		move = VIF_MOVE_VF;
	else if (!strcmp(text, ",other"))
		move = VIF_MOVE_OTHER;
	else if (!strcmp(text, ",software"))
		move = VIF_MOVE_SOFTWARE;
	else
		move = VIF_MOVE_NONE;
	if (move == VIF_MOVE_NONE && strcmp(text, ",auto"))
		question->why = "expected vf, other, software or auto";
	else if (vif_move(vif, move))
		question->why = "the vif is not connected";
	else
		put_text(question->d, "moving", vif->name);
	return 0;
}

/* A number behind the vif, 0 if there is none. Return: false: something else stands there */
static bool take_first(const char *text, uint32_t *from)
{
	*from = 0;
	return !*text ||
	       (text_take(&text, ',') && !text_take_u32(&text, 0, UINT32_MAX, from) && !*text);
}

static int answer_flows(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	const struct vif *vif = take_vif(question, &text);
	uint32_t from;

	if (!vif)
		return 0;
	if (take_first(text, &from))
		put_flows(question->d, vif, from);
	else
		question->why =
			"expected a vif, optionally followed by the number of the first rule";
	return 0;
}

static int answer_policy(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	struct vif *vif = take_vif(question, &text);
	uint32_t from;

	if (!vif)
		return 0;
	if (!take_first(text, &from))
		question->why =
			"expected a vif, optionally followed by the number of the first rule";
	else if (put_policy(question->d, vif, from, question->text))
		question->why = question->text;
	return 0;
}

/* VIF,ASK,grant|refuse */
static int answer_answer(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	struct vif *vif = take_vif(question, &text);
	uint32_t ask;

	if (!vif)
		return 0;
	if (!text_take(&text, ',') || text_take_u32(&text, 0, UINT32_MAX, &ask) ||
	    (strcmp(text, ",grant") && strcmp(text, ",refuse")))
		question->why = "expected a vif, the question's number, grant or refuse";
	else if (request_reply(vif, ask, !strcmp(text, ",grant")))
		question->why = "this question is not open any more";
	else
		put_text(question->d, "answered", vif->name + strlen("vif "));
	return 0;
}

static int answer_daemon(void *arg)
{
	const struct config *config = telemetry.host->config;
	struct question *question = arg;

	put_text(question->d, "version", VIFD_VERSION);
	put_text(question->d, "run_dir", config->run_dir);
	put_text(question->d, "policy_dir", config->policy_dir);
	put_number(question->d, "approval_s", config->approval_s);
	put_number(question->d, "workers", telemetry.host->nr_workers);
	return 0;
}

/* And what a file that keeps these rules needs. */
static void put_set(struct rte_tel_data *d, const struct vif *vif)
{
	put_text(d, "set", vif->name + strlen("vif "));
	put_mac(d, "mac", &vif->mac);
	put_text(d, "policy_dir", telemetry.host->config->policy_dir);
}

static int answer_set(void *arg)
{
	struct question *question = arg;
	const char *text = question->params;
	struct vif *vif = take_vif(question, &text);

	if (!vif)
		return 0;
	if (!text_take(&text, ',') || !*text)
		question->why = "expected KEY=VALUE or KEY, separated by ;";
	else if (vif_set_policy(vif, text, question->text))
		question->why = question->text;
	else
		put_set(question->d, vif);
	return 0;
}

static int ask(int (*answer)(void *arg), const char *params, struct rte_tel_data *d)
{
	struct question question = { .params = params ? params : "", .d = d };
	int ret;

	rte_tel_data_start_dict(d);
	ret = control_run(answer, &question, WAIT_MS);
	if (ret == -ETIMEDOUT)
		question.why = "vifd's control thread is busy; try again";
	else if (ret)
		question.why = "vifd is starting or stopping";
	if (question.why) {
		rte_tel_data_start_dict(d);
		put_text(d, "error", question.why);
	}
	return 0;
}

#define COMMAND(name)                                                                              \
	static int command_##name(const char *cmd, const char *params, struct rte_tel_data *d)     \
	{                                                                                          \
		(void)cmd;                                                                         \
		return ask(answer_##name, params, d);                                              \
	}

COMMAND(vifs)
COMMAND(vif)
COMMAND(queue)
COMMAND(vfs)
COMMAND(vf)
COMMAND(reset)
COMMAND(nics)
COMMAND(memory)
COMMAND(move)
COMMAND(flows)
COMMAND(policy)
COMMAND(set)
COMMAND(answer)
COMMAND(daemon)

/* Constant: nobody has to be asked. */
static int command_counters(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	(void)params;
	rte_tel_data_start_dict(d);
	for (enum path_counter which = 0; which < COUNTERS; which++)
		put_text(d, path_counter_name(which), path_counter_text(which));
	return 0;
}

int telemetry_start(struct vifs *vifs, const struct host *host)
{
	static const struct {
		const char *name;
		telemetry_cb command;
		const char *help;
	} commands[] = {
		{ "/vifd/vifs", command_vifs, "Names of vifs. Parameter: first entry (0)" },
		{ "/vifd/vif", command_vif, "One vif. Parameter: DOMID.HANDLE or its name" },
		{ "/vifd/queue", command_queue, "Counters of a queue. Parameter: DOMID.HANDLE.N" },
		{ "/vifd/vfs", command_vfs, "VFs and owners. Parameter: first entry (0)" },
		{ "/vifd/vf", command_vf,
		  "One VF. Parameter: PCI address, netdev, vif or NIC/INDEX" },
		{ "/vifd/reset", command_reset, "Set a vif's counters to 0. Parameter: VIF" },
		{ "/vifd/nics", command_nics, "NICs. No parameter" },
		{ "/vifd/memory", command_memory, "Pools of packet memory. No parameter" },
		{ "/vifd/counters", command_counters, "What each counter counts. No parameter" },
		{ "/vifd/move", command_move,
		  "Move a vif. Parameters: VIF,vf|other|software|auto" },
		{ "/vifd/flows", command_flows,
		  "A guest's flow rules. Parameters: VIF, first rule (0)" },
		{ "/vifd/policy", command_policy,
		  "Rules and their sources. Parameters: VIF, first rule (0)" },
		{ "/vifd/answer", command_answer,
		  "Answer a guest's request. Parameters: VIF,ASK,grant|refuse" },
		{ "/vifd/daemon", command_daemon, "vifd itself. No parameter" },
		{ "/vifd/set", command_set, "Set rules. Parameters: VIF,KEY=VALUE;KEY" },
	};
	int ret = 0;

	telemetry.vifs = vifs;
	telemetry.host = host;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && !ret; i++)
		ret = rte_telemetry_register_cmd(commands[i].name, commands[i].command,
						 commands[i].help);
	return ret;
}
