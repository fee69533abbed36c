/* SPDX-License-Identifier: BSD-3-Clause */
#include "import.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"

/* libxl's interval, so that a rate looks as xl would have written it. */
#define RATE_US 50000u
#define DEPTH_MAX 8
/* What VFd gives a class that its file does not name, percent. */
#define VFD_SHARE 3u

/**
 * struct import - A file on its way
 * @vf:    it
 * @draft: takes each rule, so that nothing is made that vifd would refuse
 */
struct import {
	struct json_object *vf, *from, *match, *policy;
	const struct import_options *options;
	struct policy_draft draft;
	void (*tell)(void *arg, const char *what);
	void *arg;
	unsigned int errors;
};

static void refuse(struct import *import, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void refuse(struct import *import, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	import->tell(import->arg, text);
	import->errors++;
}

static void put_rule(struct import *import, const char *field, const char *key, const char *value)
{
	char why[POLICY_ERROR_MAX];

	if (policy_set(&import->draft, key, value, why))
		refuse(import, "%s: %s", field, why);
	else
		json_object_object_add(import->policy, key, json_object_new_string(value));
}

/* true, false, 1 or 0. Return: false after a refusal */
static bool take_bool(struct import *import, const char *field, struct json_object *value,
		      bool *yes)
{
	*yes = json_object_get_boolean(value);
	if (json_object_is_type(value, json_type_boolean))
		return true;
	if (json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0 &&
	    json_object_get_int64(value) <= 1)
		return true;
	refuse(import, "%s: expected true or false", field);
	return false;
}

static struct json_object *field_of(const struct import *import, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(import->vf, name, &value);
	return value;
}

/* Of a flag whose own handler refuses what is none. */
static bool flag_of(const struct import *import, const char *name, bool absent)
{
	struct json_object *value = field_of(import, name);

	return value ? json_object_get_boolean(value) : absent;
}

/* 0 of what is no array. */
static size_t length_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

static const char *string_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* Which VF it was: kept as a remark, vifd chooses VFs by itself. */
static void take_remark(struct import *import, const char *field, struct json_object *value)
{
	if (!string_of(value) && !json_object_is_type(value, json_type_int))
		refuse(import, "%s: expected a string or a number", field);
	else
		json_object_object_add(import->from, field, json_object_get(value));
}

static void take_flag(struct import *import, const char *field, struct json_object *value,
		      const char *key)
{
	bool yes;

	if (take_bool(import, field, value, &yes))
		put_rule(import, field, key, yes ? "1" : "0");
}

static void take_spoof(struct import *import, const char *field, struct json_object *value)
{
	take_flag(import, field, value, "anti-spoof");
}

static void take_broadcast(struct import *import, const char *field, struct json_object *value)
{
	take_flag(import, field, value, "broadcast");
}

static void take_multicast(struct import *import, const char *field, struct json_object *value)
{
	take_flag(import, field, value, "multicast");
}

static void take_unknown(struct import *import, const char *field, struct json_object *value)
{
	take_flag(import, field, value, "unknown-unicast");
}

static void take_untagged(struct import *import, const char *field, struct json_object *value)
{
	take_flag(import, field, value, "allow-untagged");
}

static void take_vlan_spoof(struct import *import, const char *field, struct json_object *value)
{
	bool yes;

	if (take_bool(import, field, value, &yes) && !yes)
		refuse(import, "%s: vifd always checks the VLANs of what a guest sends", field);
}

/* The tag is put in and taken off: that is done with the VLANs. */
static void take_strip(struct import *import, const char *field, struct json_object *value)
{
	bool yes;

	if (take_bool(import, field, value, &yes) && yes &&
	    length_of(field_of(import, "vlans")) != 1)
		refuse(import, "%s: expected exactly one VLAN in vlans with it", field);
}

static void take_strip_inner(struct import *import, const char *field, struct json_object *value)
{
	bool yes;

	if (take_bool(import, field, value, &yes) && yes)
		refuse(import, "%s: vifd does not strip inner tags", field);
}

static void take_vlans(struct import *import, const char *field, struct json_object *value)
{
	size_t nr = length_of(value);
	char text[POLICY_TEXT_MAX];
	size_t used = 0;

	if (nr < 1 || nr > 64) {
		refuse(import, "%s: expected an array of 1 to 64 VLANs", field);
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		struct json_object *vlan = json_object_array_get_idx(value, i);

		if (!json_object_is_type(vlan, json_type_int)) {
			refuse(import, "%s[%zu]: expected a number", field, i);
			return;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRId64,
					 i ? "," : "", json_object_get_int64(vlan));
	}
	put_rule(import, field,
		 flag_of(import, "strip_stag", false) && nr == 1 ? "vlan-insert" : "vlan-filter",
		 text);
}

/* Those beside the one by which the interface is matched. */
static void take_macs(struct import *import, const char *field, struct json_object *value)
{
	const char *own = string_of(field_of(import, "vm_mac"));
	char text[POLICY_TEXT_MAX] = "";
	size_t used = 0;

	if (!json_object_is_type(value, json_type_array) || length_of(value) > 64) {
		refuse(import, "%s: expected an array of at most 64 addresses", field);
		return;
	}
	for (size_t i = 0; i < length_of(value); i++) {
		const char *mac = string_of(json_object_array_get_idx(value, i));

		if (!mac || strlen(mac) > 17) {
			refuse(import, "%s[%zu]: expected an address aa:bb:cc:dd:ee:ff", field, i);
			return;
		}
		if (!own || strcasecmp(own, mac) != 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? " " : "", mac);
	}
	if (used)
		put_rule(import, field, "macs", text);
}

static void take_own_mac(struct import *import, const char *field, struct json_object *value)
{
	char why[POLICY_ERROR_MAX];
	struct policy_draft draft;

	policy_init(&draft);
	if (!string_of(value) || strlen(string_of(value)) != 17 ||
	    policy_set(&draft, "macs", string_of(value), why)) {
		refuse(import, "%s: expected a unicast address aa:bb:cc:dd:ee:ff", field);
		return;
	}
	if (import->options->match)
		json_object_object_add(import->from, field, json_object_get(value));
	else
		json_object_object_add(import->match, "mac",
				       json_object_new_string(string_of(value)));
}

/* VFd's rates are parts of the link's. */
static void take_part(struct import *import, const char *field, struct json_object *value,
		      const char *key)
{
	double part = json_object_get_double(value);
	char text[64];

	if ((!json_object_is_type(value, json_type_double) &&
	     !json_object_is_type(value, json_type_int)) ||
	    !(part >= 0 && part <= 1)) {
		refuse(import, "%s: expected a fraction of the link's speed, 0 to 1", field);
	} else if (part > 0 && !import->options->mbps) {
		refuse(import, "%s: it is a fraction of the link's speed: give that with --speed",
		       field);
	} else if (part > 0) {
		snprintf(text, sizeof(text), "%.0f,%u",
			 fmax(1, part * import->options->mbps * RATE_US / 8), RATE_US);
		put_rule(import, field, key, text);
	}
}

static void take_rate(struct import *import, const char *field, struct json_object *value)
{
	take_part(import, field, value, "rate");
}

static void take_min_rate(struct import *import, const char *field, struct json_object *value)
{
	take_part(import, field, value, "guaranteed");
}

static void take_link(struct import *import, const char *field, struct json_object *value)
{
	if (!string_of(value))
		refuse(import, "%s: expected on, off or auto", field);
	else
		put_rule(import, field, "link", string_of(value));
}

/* A comment; toolstack-hooks/examples/hook runs what stands there when the vif comes or goes. */
static void take_command(struct import *import, const char *field, struct json_object *value)
{
	const char *text = string_of(value);

	if (!text || strpbrk(text, "\n\r"))
		refuse(import, "%s: expected a command on one line", field);
	else if (*text)
		json_object_object_add(import->from, field, json_object_get(value));
}

/* "10%" or 10. Return: 1..100, 0 = neither */
static unsigned int percent_of(struct json_object *value)
{
	unsigned int percent = 0;
	int used = 0;

	if (json_object_is_type(value, json_type_int))
		percent = (unsigned int)json_object_get_int(value);
	else if (string_of(value) && sscanf(string_of(value), "%3u%n", &percent, &used) == 1 &&
		 strcmp(string_of(value) + used, "%") != 0 && string_of(value)[used])
		return 0;
	return percent <= 100 ? percent : 0;
}

/* Return: false after a refusal */
static bool take_share(struct import *import, const char *field, size_t i,
		       struct json_object *queue, unsigned int shares[CLASSES])
{
	struct json_object *priority = NULL, *share = NULL;
	int64_t class;

	json_object_object_get_ex(queue, "priority", &priority);
	json_object_object_get_ex(queue, "share", &share);
	class = json_object_is_type(priority, json_type_int) ? json_object_get_int64(priority) : -1;
	if (class < 0 || class >= CLASSES || !percent_of(share)) {
		refuse(import, "%s[%zu]: expected priority 0..7 and share 1%% to 100%%", field, i);
		return false;
	}
	if (shares[class]) {
		refuse(import, "%s[%zu]: expected each priority once", field, i);
		return false;
	}
	shares[class] = percent_of(share);
	return true;
}

/*
 * VFd shares each traffic class among the VFs, vifd the wire among the vifs and what a
 * vif gets among its classes: the mean becomes its weight, what differs its classes' shares.
 */
static void put_shares(struct import *import, const char *field, const unsigned int shares[CLASSES],
		       size_t nr)
{
	unsigned int sum = 0, first = 0;
	bool differ = false;
	char text[64];
	size_t used = 0;

	for (size_t i = 0; i < CLASSES; i++) {
		first = first ? first : shares[i];
		differ = differ || (shares[i] && shares[i] != first);
		sum += shares[i];
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? "," : "",
					 shares[i] ? shares[i] : VFD_SHARE);
	}
	if (differ) {
		put_rule(import, field, "classes", "pcp");
		put_rule(import, field, "class-shares", text);
	}
	snprintf(text, sizeof(text), "%zu", (sum + nr / 2) / nr);
	put_rule(import, field, "weight", text);
}

static void take_queues(struct import *import, const char *field, struct json_object *value)
{
	unsigned int shares[CLASSES] = { 0 };
	size_t nr = length_of(value);

	if (!json_object_is_type(value, json_type_array) || nr > CLASSES) {
		refuse(import, "%s: expected an array of at most %u", field, CLASSES);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		if (!take_share(import, field, i, json_object_array_get_idx(value, i), shares))
			return;
	if (nr)
		put_shares(import, field, shares, nr);
}

/* Where copies go: the interface that has the VF of this number, by its own file. */
static void take_target(struct import *import, const char *field, struct json_object *target)
{
	const char *pciid = string_of(field_of(import, "pciid"));
	char mac[18];

	if (!json_object_is_type(target, json_type_int))
		refuse(import, "%s: expected the number of a VF as target", field);
	else if (!import_mac_of_vf(import->options->folder, pciid ? pciid : "",
				   json_object_get_int64(target), mac))
		refuse(import,
		       "%s: expected in %.200s a VF file of the target, with the same pciid, vfid %" PRId64
		       " and a vm_mac or mac",
		       field, import->options->folder, json_object_get_int64(target));
	else
		put_rule(import, field, "mirror-to", mac);
}

static void take_mirror(struct import *import, const char *field, struct json_object *value)
{
	static const struct {
		const char *vfd, *rule;
	} directions[] = { { "in", "rx" }, { "out", "tx" }, { "all", "both" } };
	struct json_object *direction = NULL, *target = NULL;

	json_object_object_get_ex(value, "direction", &direction);
	json_object_object_get_ex(value, "target", &target);
	if (string_of(direction) && !strcmp(string_of(direction), "off"))
		return;
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (!string_of(direction) || strcmp(string_of(direction), directions[i].vfd) != 0)
			continue;
		put_rule(import, field, "mirror", directions[i].rule);
		take_target(import, field, target);
		return;
	}
	refuse(import, "%s: expected the direction in, out, all or off", field);
}

static const struct field {
	const char *name;
	void (*take)(struct import *import, const char *field, struct json_object *value);
} fields[] = {
	{ "name", take_remark },
	{ "pciid", take_remark },
	{ "vfid", take_remark },
	{ "vm_mac", take_own_mac },
	{ "mac", take_own_mac },
	{ "macs", take_macs },
	{ "vlans", take_vlans },
	{ "strip_stag", take_strip },
	{ "strip_ctag", take_strip_inner },
	{ "allow_untagged", take_untagged },
	{ "allow_bcast", take_broadcast },
	{ "allow_mcast", take_multicast },
	{ "allow_un_ucast", take_unknown },
	{ "mac_anti_spoof", take_spoof },
	{ "vlan_anti_spoof", take_vlan_spoof },
	{ "rate", take_rate },
	{ "min_rate", take_min_rate },
	{ "link_status", take_link },
	{ "start_cb", take_command },
	{ "stop_cb", take_command },
	{ "queues", take_queues },
	{ "mirror", take_mirror },
};

#define NR_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* "mac=..." and the like. A value that a comment or a line's end would cut is none. */
static void take_match(struct import *import, const char *match)
{
	const char *value = strchr(match, '=');
	char key[16];

	if (!value || !value[1] || strpbrk(match, "#\n\r") || value - match >= (int)sizeof(key)) {
		refuse(import, "--match: expected mac=, vifname= or uuid= with a value");
		return;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(value - match), match);
	if (strcmp(key, "mac") != 0 && strcmp(key, "vifname") != 0 && strcmp(key, "uuid") != 0)
		refuse(import, "--match: expected mac=, vifname= or uuid= with a value");
	else
		json_object_object_add(import->match, key, json_object_new_string(value + 1));
}

static void take_fields(struct import *import)
{
	json_object_object_foreach(import->vf, name, value)
	{
		size_t i = 0;

		while (i < NR_FIELDS && strcmp(fields[i].name, name) != 0)
			i++;
		if (i < NR_FIELDS)
			fields[i].take(import, name, value);
		else
			refuse(import, "%.64s: not a field of a VFd file", name);
	}
	if (!field_of(import, "vlans"))
		refuse(import, "vlans: VFd requires at least one");
	/* what VFd's default is, and vifd's is not */
	if (!field_of(import, "allow_un_ucast"))
		put_rule(import, "allow_un_ucast", "unknown-unicast", "0");
	if (import->options->match)
		take_match(import, import->options->match);
	else if (!json_object_object_length(import->match) && !import->errors)
		refuse(import, "vm_mac: the file names no interface; use --match mac=, "
			       "vifname= or uuid=");
}

static void refuse_text(struct import *import, const char *text, size_t at, const char *why)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++, column++)
		if (text[i] == '\n') {
			line++;
			column = 0;
		}
	refuse(import, "%zu:%zu: %s", line, column, why);
}

static struct json_object *parse(struct import *import, const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *vf = NULL;

	if (!tokener) {
		refuse(import, "out of memory");
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	vf = json_tokener_parse_ex(tokener, text, (int)size);
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		refuse_text(import, text, size, "the file ends too early");
	else if (json_tokener_get_error(tokener) != json_tokener_success)
		refuse_text(import, text, json_tokener_get_parse_end(tokener),
			    json_tokener_error_desc(json_tokener_get_error(tokener)));
	else if (!json_object_is_type(vf, json_type_object))
		refuse(import, "1:1: expected an object");
	json_tokener_free(tokener);
	return vf;
}

struct json_object *import_vfd(const char *text, size_t size, const struct import_options *options,
			       void (*tell)(void *arg, const char *what), void *arg)
{
	struct json_object *result = json_object_new_object();
	struct import import = { .options = options, .tell = tell, .arg = arg };

	import.from = json_object_new_object();
	import.match = json_object_new_object();
	import.policy = json_object_new_object();
	json_object_object_add(result, "from", import.from);
	json_object_object_add(result, "match", import.match);
	json_object_object_add(result, "policy", import.policy);
	policy_init(&import.draft);
	import.vf = parse(&import, text, size);
	if (!import.errors)
		take_fields(&import);
	json_object_put(import.vf);
	if (!import.errors)
		return result;
	json_object_put(result);
	return NULL;
}
