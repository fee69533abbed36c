/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mirror as i40e's files see it: from its target. For vifd it is a rule of each source, which names
 * the target's address.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

/** struct source - A vif, and which of its frames come to the target */
struct source {
	const char *vif;
	bool rx, tx;
	char vlan[16];
};

/** struct sources - All vifs but the target; @names: of all, as vifd told them, to be put */
struct sources {
	struct json_object *names;
	struct source of[512];
	size_t nr;
	char mac[18];
};

static int read_mac(struct vif_files *files, const char *vif, char mac[18])
{
	struct json_object *answer = client_ask(&files->client, "/vifd/vif,%s", vif);

	if (!answer)
		return files_failed(files, vif);
	snprintf(mac, 18, "%s", text_of(answer, "mac"));
	json_object_put(answer);
	return 0;
}

static const char *value_of(struct json_object *rules, const char *rule)
{
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *one = json_object_array_get_idx(rules, i);

		if (!strcmp(text_of(one, "rule"), rule))
			return text_of(one, "value");
	}
	return "";
}

/* A vif that went away meanwhile mirrors nothing. */
static void read_source(struct vif_files *files, const char *mac, struct source *source)
{
	struct json_object *rules = client_rules(&files->client, source->vif);
	const char *which;

	if (!rules)
		return;
	which = value_of(rules, "mirror");
	if (!strcmp(value_of(rules, "mirror-to"), mac)) {
		source->rx = strcmp(which, "tx") != 0;
		source->tx = strcmp(which, "rx") != 0;
	}
	snprintf(source->vlan, sizeof(source->vlan), "%s", value_of(rules, "mirror-vlan"));
	json_object_put(rules);
}

/* Return: 0, -errno; only then is there nothing to put */
static int find_sources(struct vif_files *files, const char *vif, struct sources *sources)
{
	int ret = read_mac(files, vif, sources->mac);

	sources->nr = 0;
	sources->names = ret ? NULL : client_ask_pages(&files->client, "/vifd/vifs");
	if (!sources->names)
		return ret ? ret : files_failed(files, vif);
	for (size_t i = 0; i < json_object_array_length(sources->names); i++) {
		const char *name =
			json_object_get_string(json_object_array_get_idx(sources->names, i));
		struct source *source = &sources->of[sources->nr];

		if (!strcmp(name, vif) ||
		    sources->nr == sizeof(sources->of) / sizeof(sources->of[0]))
			continue;
		*source = (struct source){ .vif = name };
		read_source(files, sources->mac, source);
		sources->nr++;
	}
	return 0;
}

int mirror_read(struct vif_files *files, const char *vif, const char *direction, char *text)
{
	static struct sources sources;
	bool rx = !strcmp(direction, "rx");
	size_t used = 0;
	int ret = find_sources(files, vif, &sources);

	text[0] = '\0';
	for (size_t i = 0; !ret && i < sources.nr; i++)
		if ((rx ? sources.of[i].rx : sources.of[i].tx) && used + 16 < FILE_TEXT_MAX)
			used += (size_t)snprintf(text + used, FILE_TEXT_MAX - used, "%s%s",
						 used ? " " : "", sources.of[i].vif);
	json_object_put(sources.names);
	return ret;
}

static bool is_listed(const char *list, const char *vif)
{
	size_t len = strlen(vif);

	for (const char *at = strstr(list, vif); at; at = strstr(at + 1, vif))
		if ((at == list || strchr(" ,", at[-1])) && (!at[len] || strchr(" ,", at[len])))
			return true;
	return false;
}

/* Each word must be a vif that can be a source. */
static int check_list(struct vif_files *files, const char *vif, const struct sources *sources,
		      const char *list)
{
	char copy[FILE_TEXT_MAX], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((word = strsep(&rest, " ,"))) {
		size_t i = 0;

		while (i < sources->nr && strcmp(sources->of[i].vif, word) != 0)
			i++;
		if (*word && i == sources->nr)
			return rule_wrong(files, vif, EINVAL,
					  "'%s': expected other vifs, as 7.0 8.0", word);
	}
	return 0;
}

static int set_source(struct vif_files *files, const char *mac, const struct source *source,
		      bool rx, bool tx)
{
	char words[64];

	if (rx == source->rx && tx == source->tx)
		return 0;
	if (!rx && !tx)
		return rules_set(files, source->vif, "mirror-to;mirror");
	snprintf(words, sizeof(words), "mirror-to=%s;mirror=%s", mac,
		 rx && tx ? "both" :
		 rx	  ? "rx" :
			    "tx");
	return rules_set(files, source->vif, words);
}

int mirror_write(struct vif_files *files, const char *vif, const char *direction, const char *text)
{
	static struct sources sources;
	bool is_rx = !strcmp(direction, "rx");
	int ret = find_sources(files, vif, &sources);

	if (!ret)
		ret = check_list(files, vif, &sources, text);
	for (size_t i = 0; !ret && i < sources.nr; i++) {
		const struct source *source = &sources.of[i];
		bool wanted = is_listed(text, source->vif);

		ret = set_source(files, sources.mac, source, is_rx ? wanted : source->rx,
				 is_rx ? source->tx : wanted);
	}
	json_object_put(sources.names);
	return ret;
}

/* Of the first source: they all have the same, if these files set it. */
int mirror_vlan_read(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	static struct sources sources;
	int ret = find_sources(files, vif, &sources);

	(void)rule;
	text[0] = '\0';
	for (size_t i = 0; !ret && i < sources.nr && !*text; i++)
		if (sources.of[i].rx || sources.of[i].tx)
			snprintf(text, FILE_TEXT_MAX, "%s", sources.of[i].vlan);
	json_object_put(sources.names);
	return ret;
}

int mirror_vlan_write(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	static struct sources sources;
	unsigned int set = 0;
	int ret;

	if (strpbrk(text, ",- "))
		return rule_wrong(files, vif, EOPNOTSUPP,
				  "'%s': vifd mirrors one VLAN, or all of them (0)", text);
	ret = find_sources(files, vif, &sources);
	for (size_t i = 0; !ret && i < sources.nr; i++) {
		if (!sources.of[i].rx && !sources.of[i].tx)
			continue;
		ret = rule_set(files, sources.of[i].vif, rule, text);
		set++;
	}
	json_object_put(sources.names);
	if (!ret && !set)
		return rule_wrong(
			files, vif, EINVAL,
			"nothing is mirrored to this vif: see ingress_mirror, egress_mirror");
	return ret;
}
