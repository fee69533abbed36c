/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfd: the commands of VFd's iplex, so that scripts for VFd go on working. VF files become files of
 * policy_dir; a VF is named by the numbers of its NIC and of itself, and means the vif that has it.
 * The answer is an object as VFd's: {"state": "OK", "msg": ...}
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "import.h"
#include "vfd.h"
#include "vifctl.h"

#define VFD_SITE "/etc/vfd/vfd.cfg"
#define VFD_FILES "/var/lib/vfd/config"
#define RESET_SECONDS 15u
#define VFD_PATH_MAX 4096u

/** struct request - One command on its way; @msg: of the answer, put with it */
struct request {
	struct client *client;
	const struct options *options;
	char *const *args;
	int nr_args;
	struct json_object *msg;
};

static void say(struct request *request, const char *fmt, const char *what)
{
	char text[VFD_PATH_MAX + 128];

	snprintf(text, sizeof(text), fmt, what);
	json_object_put(request->msg);
	request->msg = json_object_new_string(text);
}

static enum status refuse(struct request *request, const char *fmt, const char *what)
{
	say(request, fmt, what);
	return STATUS_REFUSED;
}

/* PORT.json where VFd's own configuration says, unless @port is a path */
static void path_of_port(const char *port, char *path)
{
	struct json_object *site = NULL;
	const char *folder = "";

	if (!access(VFD_SITE, R_OK))
		site = json_object_from_file(VFD_SITE);
	if (json_object_is_type(site, json_type_object))
		folder = text_of(site, "config_dir");
	if (strchr(port, '/'))
		snprintf(path, VFD_PATH_MAX, "%s", port);
	else
		snprintf(path, VFD_PATH_MAX, "%s/%s.json", *folder ? folder : VFD_FILES, port);
	json_object_put(site);
}

/* policy_dir/vfd-PORT.conf. Return: false after a message */
static bool path_of_rules(struct request *request, const char *port_file, const char *before,
			  char *rules)
{
	struct json_object *daemon = client_ask(request->client, "/vifd/daemon");
	const char *name = strrchr(port_file, '/') ? strrchr(port_file, '/') + 1 : port_file;

	if (!daemon)
		return false;
	snprintf(rules, VFD_PATH_MAX, "%s/%svfd-%.*s.conf", text_of(daemon, "policy_dir"), before,
		 (int)strcspn(name, "."), name);
	json_object_put(daemon);
	return true;
}

/* The fastest NIC's, of which VFd's rates are parts; 0 = not known */
static unsigned int speed_of_nics(struct client *client)
{
	struct json_object *nics = client_ask(client, "/vifd/nics");
	uint64_t most = 0;

	if (!nics)
		return 0;
	json_object_object_foreach(nics, key, nic)
	{
		(void)key;
		if (number_of(nic, "speed_mbps") > most)
			most = number_of(nic, "speed_mbps");
	}
	json_object_put(nics);
	return (unsigned int)most;
}

/* policy_dir need not be there before its first file. Return: 0, -errno */
static int make_folder_of(const char *path)
{
	char folder[VFD_PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	return mkdir(folder, 0755) && errno != EEXIST ? -errno : 0;
}

/* As a whole, and never over another one. Return: 0, -errno */
static int write_rules(struct json_object *made, const char *from, const char *temporary,
		       const char *path)
{
	FILE *out = fopen(temporary, "we");
	int ret = 0;

	if (!out)
		return -errno;
	import_write(out, made, from);
	if (fflush(out) || fsync(fileno(out)))
		ret = -errno;
	fclose(out);
	if (!ret && link(temporary, path))
		ret = -errno;
	unlink(temporary);
	return ret;
}

static enum status add(struct request *request)
{
	struct import_options wish = { .match = request->options->match,
				       .mbps = request->options->mbps };
	char from[VFD_PATH_MAX], path[VFD_PATH_MAX], temporary[VFD_PATH_MAX];
	struct json_object *made;
	int ret;

	path_of_port(request->args[0], from);
	if (!path_of_rules(request, from, "", path) ||
	    !path_of_rules(request, from, ".new-", temporary))
		return refuse(request, "unable to add vf: %s", from);
	if (!wish.mbps)
		wish.mbps = speed_of_nics(request->client);
	made = import_file(from, &wish);
	if (!made)
		return refuse(request, "unable to add vf: %s: see standard error", from);
	ret = make_folder_of(path);
	if (!ret)
		ret = write_rules(made, from, temporary, path);
	json_object_put(made);
	if (ret == -EEXIST)
		return refuse(request, "unable to add vf: %s is there already; delete it first",
			      path);
	if (ret)
		return refuse(request, "unable to add vf: %s", strerror(-ret));
	say(request, "vf added successfully: %s", from);
	return STATUS_OK;
}

/* VFd's own file stays: it is not vifd's. */
static enum status delete (struct request *request) {
	char from[VFD_PATH_MAX], path[VFD_PATH_MAX];

	path_of_port(request->args[0], from);
	if (!path_of_rules(request, from, "", path)) return refuse(request,
								   "unable to delete vf: %s", from);
	if (unlink(path)) return refuse(request,
					errno == ENOENT ? "unable to delete vf: %s was not added" :
							  "unable to delete vf: cannot remove %s",
					errno == ENOENT ? from : path);
	say(request, "vf deleted successfully: %s", from);
	return STATUS_OK;
}

/* What VFd's numbers mean: the n-th NIC, and its VF. Return: to be put; NULL after an answer */
static struct json_object *find_vf(struct request *request, const char *pf, const char *vf)
{
	struct json_object *nics = client_ask(request->client, "/vifd/nics"), *found = NULL;
	uint32_t index;

	if (!nics)
		return NULL;
	if (text_u32(vf, 0, UINT16_MAX, &index) || !member_of(nics, pf))
		refuse(request, "no such PF or VF: expected the numbers of both, as in %s",
		       "'show all'");
	else
		found = client_ask(request->client, "/vifd/vf,%s/%u",
				   text_of(member_of(nics, pf), "nic"), index);
	json_object_put(nics);
	if (!found && !request->msg)
		refuse(request, "no VF %s", vf);
	return found;
}

/* DOMID.HANDLE of the vif that has a VF. Return: false after an answer */
static bool find_owner(struct request *request, const char *pf, const char *vf, char vif[32],
		       char mac[18])
{
	struct json_object *found = find_vf(request, pf, vf);
	const char *owner = text_of(found, "owner");

	snprintf(vif, 32, "%s", *owner ? owner + strlen("vif ") : "");
	snprintf(mac, 18, "%s", text_of(found, "mac"));
	json_object_put(found);
	if (found && !*vif)
		refuse(request, "VF %s belongs to no vif", vf);
	return *vif != '\0';
}

static enum status set_mirror(struct request *request, const char *vif, const char *rules)
{
	struct json_object *answer = client_ask(request->client, "/vifd/set,%s,%s", vif, rules);

	if (!answer)
		return refuse(request, "mirror of vif %s: see standard error", vif);
	json_object_put(answer);
	say(request, "mirror changed: vif %s", vif);
	return STATUS_OK;
}

/* in: what the guest receives, out: what it sends */
static enum status mirror(struct request *request)
{
	static const char *const directions[][2] = { { "in", "rx" },
						     { "out", "tx" },
						     { "all", "both" } };
	const char *direction = request->args[2];
	char vif[32], mac[18], target[32], target_mac[18], rules[64];

	if (!find_owner(request, request->args[0], request->args[1], vif, mac))
		return STATUS_REFUSED;
	if (!strcmp(direction, "off"))
		return set_mirror(request, vif, "mirror-to;mirror");
	if (request->nr_args < 4)
		return refuse(request, "mirror %s: the number of the target's VF is missing",
			      direction);
	if (!find_owner(request, request->args[0], request->args[3], target, target_mac))
		return STATUS_REFUSED;
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (strcmp(direction, directions[i][0]) != 0)
			continue;
		snprintf(rules, sizeof(rules), "mirror-to=%s;mirror=%s", target_mac,
			 directions[i][1]);
		return set_mirror(request, vif, rules);
	}
	return refuse(request, "mirror: '%s': expected in, out, all or off", direction);
}

static enum status reset(struct request *request)
{
	char vif[32], mac[18];

	if (!find_owner(request, request->args[0], request->args[1], vif, mac))
		return STATUS_REFUSED;
	if (vf_reset(request->client, vif, RESET_SECONDS) != STATUS_OK)
		return refuse(request, "vf of vif %s was not reset: see standard error", vif);
	say(request, "vf reset: vif %s", vif);
	return STATUS_OK;
}

static enum status show(struct request *request)
{
	request->msg = vfd_show(request->client, request->nr_args ? request->args[0] : "all");
	return request->msg ? STATUS_OK : refuse(request, "no answer%s", "");
}

static struct json_object *ask_or_empty(struct client *client, const char *command)
{
	struct json_object *answer = client_ask(client, "%s", command);

	return answer ? answer : json_object_new_object();
}

static enum status dump(struct request *request)
{
	struct json_object *all = json_object_new_object();
	struct client *client = request->client;

	json_object_object_add(all, "daemon", ask_or_empty(client, "/vifd/daemon"));
	json_object_object_add(all, "nics", ask_or_empty(client, "/vifd/nics"));
	json_object_object_add(all, "memory", ask_or_empty(client, "/vifd/memory"));
	json_object_object_add(all, "vfs", client_ask_pages(client, "/vifd/vfs"));
	json_object_object_add(all, "vifs", client_vifs(client));
	request->msg = all;
	return STATUS_OK;
}

static enum status ping(struct request *request)
{
	struct json_object *daemon = client_ask(request->client, "/vifd/daemon");

	if (!daemon)
		return refuse(request, "no answer%s", "");
	say(request, "pong: vifd %s", text_of(daemon, "version"));
	json_object_put(daemon);
	return STATUS_OK;
}

static const struct {
	const char *name;
	int least, most;
	enum status (*run)(struct request *request);
} commands[] = {
	{ "add", 1, 1, add },	    { "delete", 1, 1, delete }, { "show", 0, 1, show },
	{ "mirror", 3, 4, mirror }, { "reset", 2, 2, reset },	{ "dump", 0, 0, dump },
	{ "ping", 0, 0, ping },
};

static enum status answer(const struct request *request, enum status status)
{
	struct json_object *whole = json_object_new_object();

	json_object_object_add(whole, "state",
			       json_object_new_string(status == STATUS_OK ? "OK" : "ERROR"));
	json_object_object_add(whole, "msg", request->msg);
	puts(json_object_to_json_string_ext(whole, JSON_C_TO_STRING_SPACED |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(whole);
	return status;
}

enum status vifctl_vfd(struct client *client, const struct options *options)
{
	struct request request = { .client = client,
				   .options = options,
				   .args = options->args + 1,
				   .nr_args = options->nr_args - 1 };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(options->args[0], commands[i].name) != 0)
			continue;
		if (request.nr_args < commands[i].least || request.nr_args > commands[i].most) {
			refuse(&request, "wrong number of arguments for %s", commands[i].name);
			return answer(&request, STATUS_USAGE);
		}
		return answer(&request, commands[i].run(&request));
	}
	refuse(&request, "no such command of VFd's: %s", options->args[0]);
	return answer(&request, STATUS_USAGE);
}
