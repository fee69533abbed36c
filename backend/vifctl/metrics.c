/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics: everything that counts, in Prometheus' text format (exposition format 0.0.4), named by
 * its conventions: base units, _total for what only grows, one family for all causes of a drop.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "vifctl.h"

#define LABELS_MAX 512u
#define DROP "x_drop_" /* behind the direction's letter */

/**
 * struct metric - One member of a telemetry answer that becomes a gauge
 * @scale: what its number is multiplied with
 */
struct metric {
	const char *name, *member, *text;
	uint64_t scale;
};

static const struct metric of_vif[] = {
	{ "connected", "connected", "1 if the guest's front end is connected.", 1 },
	{ "link_up", "link", "1 if the guest has a link.", 1 },
	{ "speed_bytes", "speed_mbps", "Speed of the link in bytes per second.", 125000 },
	{ "mtu_bytes", "mtu", "Longest packet in bytes.", 1 },
	{ "queues", "queues", "Queues that the front end has connected.", 1 },
	{ "worker", "worker", "Number of the worker that polls the vif.", 1 },
	{ "held_bytes", "held_bytes", "Packet memory that waiting frames of the vif hold.", 1 },
	{ "stalled", "stalled", "1 if the guest has stopped taking frames.", 1 },
	{ "waiting", "held", "1 if the vif waits because another one has its MAC address.", 1 },
};

static const struct metric of_nic[] = {
	{ "link_up", "link", "1 if the uplink has a link.", 1 },
	{ "speed_bytes", "speed_mbps", "Speed of the uplink in bytes per second.", 125000 },
	{ "vfs", "vfs", "Virtual functions of the NIC.", 1 },
	{ "vfs_taken", "vfs_taken", "Virtual functions that a vif has.", 1 },
};

static const struct metric of_pool[] = {
	{ "buffers", "buffers", "Buffers of a pool of packet memory.", 1 },
	{ "free_buffers", "free", "Buffers of a pool that are free.", 1 },
	{ "buffer_bytes", "bytes_each", "Size of one buffer of a pool.", 1 },
};

/** struct object - Something with metrics: an answer and its labels */
struct object {
	struct json_object *json;
	char labels[LABELS_MAX];
};

/** struct objects - All of a kind; @kind: "vif", "nic" or "memory" */
struct objects {
	const char *kind;
	struct object *object;
	size_t nr;
};

static void family(const char *kind, const char *name, const char *type, const char *text)
{
	printf("# HELP vifd_%s_%s %s\n# TYPE vifd_%s_%s %s\n", kind, name, text, kind, name, type);
}

/* name="value", with what the format wants escaped */
static void add_label(struct object *object, const char *name, const char *value)
{
	size_t at = strlen(object->labels);
	size_t end = LABELS_MAX - 2; /* of the value, so that the quote fits */

	at += (size_t)snprintf(object->labels + at, LABELS_MAX - at, "%s%s=\"", at ? "," : "",
			       name);
	for (; *value && at + 2 < end; value++) {
		if (*value == '\n' || (unsigned char)*value < ' ')
			continue;
		if (*value == '"' || *value == '\\')
			object->labels[at++] = '\\';
		object->labels[at++] = *value;
	}
	object->labels[at++] = '"';
	object->labels[at] = '\0';
}

static void gauges(const struct objects *all, const struct metric *metrics, size_t nr)
{
	for (const struct metric *metric = metrics; metric < metrics + nr; metric++) {
		family(all->kind, metric->name, "gauge", metric->text);
		for (size_t i = 0; i < all->nr; i++)
			if (member_of(all->object[i].json, metric->member))
				printf("vifd_%s_%s{%s} %" PRIu64 "\n", all->kind, metric->name,
				       all->object[i].labels,
				       number_of(all->object[i].json, metric->member) *
					       metric->scale);
	}
}

/* What has no number: the path, the VF, why it does not work */
static void print_info(const struct objects *vifs)
{
	static const char *const words[] = { "mac", "state", "path", "vf", "nic", "fault" };

	family("vif", "info", "gauge", "Always 1; the labels tell what is no number.");
	for (size_t i = 0; i < vifs->nr; i++) {
		struct object info = vifs->object[i];

		for (size_t word = 0; word < sizeof(words) / sizeof(words[0]); word++)
			add_label(&info, words[word], text_of(info.json, words[word]));
		printf("vifd_vif_info{%s} 1\n", info.labels);
	}
}

static bool is_drop(const char *counter)
{
	return !strncmp(counter + 1, DROP, strlen(DROP));
}

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

static void counter_family(const struct objects *vifs, const char *counter, const char *text)
{
	char name[80];

	snprintf(name, sizeof(name), "%s_total", counter);
	family("vif", name, "counter", text);
	for (size_t i = 0; i < vifs->nr; i++) {
		struct json_object *counters = member_of(vifs->object[i].json, "counters");

		if (counters)
			printf("vifd_vif_%s{%s} %" PRIu64 "\n", name, vifs->object[i].labels,
			       number_of(counters, counter));
	}
}

static void drops_of(const struct object *vif, char direction, bool bytes)
{
	struct json_object *counters = member_of(vif->json, "counters");

	if (!counters)
		return;
	json_object_object_foreach(counters, name, value)
	{
		const char *cause = name + 1 + strlen(DROP);
		size_t len = strlen(cause);

		if (name[0] != direction || !is_drop(name) || ends_with(name, "_bytes") != bytes)
			continue;
		len -= bytes ? strlen("_bytes") : 0;
		printf("vifd_vif_%cx_dropped%s_total{%s,cause=\"%.*s\"} %" PRIu64 "\n", direction,
		       bytes ? "_bytes" : "", vif->labels, (int)len, cause,
		       json_object_get_uint64(value));
	}
}

static void drops(const struct objects *vifs)
{
	static const struct {
		char direction;
		bool bytes;
		const char *name, *text;
	} families[] = {
		{ 't', false, "tx_dropped_total", "Frames of the guest that were dropped." },
		{ 't', true, "tx_dropped_bytes_total",
		  "Bytes of the guest's frames that a rule dropped." },
		{ 'r', false, "rx_dropped_total", "Frames to the guest that were dropped." },
		{ 'r', true, "rx_dropped_bytes_total",
		  "Bytes of frames to the guest that a rule dropped." },
	};

	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		family("vif", families[f].name, "counter", families[f].text);
		for (size_t i = 0; i < vifs->nr; i++)
			drops_of(&vifs->object[i], families[f].direction, families[f].bytes);
	}
}

static void print_vifs(const struct objects *vifs, struct json_object *counters)
{
	print_info(vifs);
	gauges(vifs, of_vif, sizeof(of_vif) / sizeof(of_vif[0]));
	json_object_object_foreach(counters, name, text)
	{
		char sentence[256];

		if (is_drop(name))
			continue;
		snprintf(sentence, sizeof(sentence), "%s.", json_object_get_string(text));
		sentence[0] = (char)toupper((unsigned char)sentence[0]);
		counter_family(vifs, name, sentence);
	}
	drops(vifs);
}

static void print_nics(const struct objects *nics)
{
	gauges(nics, of_nic, sizeof(of_nic) / sizeof(of_nic[0]));
	family("nic", "switch_dropped_total", "counter",
	       "Frames that the software switch dropped.");
	for (size_t i = 0; i < nics->nr; i++) {
		struct json_object *causes = member_of(nics->object[i].json, "switch");

		if (!causes)
			continue;
		json_object_object_foreach(causes, name, value)
			printf("vifd_nic_switch_dropped_total{%s,cause=\"%s\"} %" PRIu64 "\n",
			       nics->object[i].labels, name + strlen("drop_"),
			       json_object_get_uint64(value));
	}
}

/* Labels each of a list by @label, which is also the member's name. Return: objects, to be freed */
static struct objects objects_of(struct json_object *list, const char *kind, const char *label)
{
	struct objects all = { kind, NULL, json_object_array_length(list) };

	all.object = calloc(all.nr + 1, sizeof(*all.object));
	if (!all.object)
		all.nr = 0;
	for (size_t i = 0; i < all.nr; i++) {
		struct object *object = &all.object[i];

		object->json = json_object_array_get_idx(list, i);
		add_label(object, label, text_of(object->json, label));
		if (member_of(object->json, "guest"))
			add_label(object, "guest", text_of(object->json, "guest"));
		if (*text_of(object->json, "vifname"))
			add_label(object, "vifname", text_of(object->json, "vifname"));
	}
	return all;
}

/* Members of @object as a list; their names become the member @name of each. Puts @object */
static struct json_object *list_of(struct json_object *object, const char *name)
{
	struct json_object *list = json_object_new_array();

	json_object_object_foreach(object, key, member)
	{
		if (!member_of(member, name))
			json_object_object_add(member, name, json_object_new_string(key));
		json_object_array_add(list, json_object_get(member));
	}
	json_object_put(object);
	return list;
}

/** struct answers - All that is asked, before the first line is printed: an answer is whole or none */
struct answers {
	struct json_object *vifs, *counters, *nics, *pools;
};

static bool ask_all(struct client *client, struct answers *answers)
{
	answers->vifs = client_vifs(client);
	answers->counters = answers->vifs ? client_ask(client, "/vifd/counters") : NULL;
	answers->nics = answers->counters ? client_ask(client, "/vifd/nics") : NULL;
	answers->pools = answers->nics ? client_ask(client, "/vifd/memory") : NULL;
	if (!answers->pools)
		return false;
	answers->nics = list_of(answers->nics, "nic");
	answers->pools = list_of(answers->pools, "pool");
	return true;
}

static void put_all(struct answers *answers)
{
	json_object_put(answers->vifs);
	json_object_put(answers->counters);
	json_object_put(answers->nics);
	json_object_put(answers->pools);
}

/* The head of a request is read to its end, whatever it asks for. */
static void http_head(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin) && strcspn(line, "\r\n"))
		;
	fputs("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	      "Connection: close\r\n\r\n",
	      stdout);
}

/* The answers as they are. Return: what vifctl ends with */
static enum status print_answers(struct answers *answers)
{
	struct json_object *all = json_object_new_object();

	json_object_object_add(all, "vifs", json_object_get(answers->vifs));
	json_object_object_add(all, "nics", json_object_get(answers->nics));
	json_object_object_add(all, "memory", json_object_get(answers->pools));
	return print_json(all, false);
}

static enum status print_metrics(struct answers *answers)
{
	struct objects vifs = objects_of(answers->vifs, "vif", "vif");
	struct objects nics = objects_of(answers->nics, "nic", "nic");
	struct objects pools = objects_of(answers->pools, "memory", "pool");

	print_vifs(&vifs, answers->counters);
	print_nics(&nics);
	gauges(&pools, of_pool, sizeof(of_pool) / sizeof(of_pool[0]));
	free(vifs.object);
	free(nics.object);
	free(pools.object);
	return STATUS_OK;
}

enum status vifctl_metrics(struct client *client, const struct options *options)
{
	struct answers answers = { 0 };
	enum status status;

	if (!ask_all(client, &answers)) {
		put_all(&answers);
		return client->error;
	}
	if (options->http)
		http_head();
	status = options->json ? print_answers(&answers) : print_metrics(&answers);
	put_all(&answers);
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "vifctl: metrics: the output could not be written\n");
	return STATUS_REFUSED;
}
