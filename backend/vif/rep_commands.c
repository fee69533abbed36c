/* SPDX-License-Identifier: BSD-3-Clause */
#include "rep_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/privflags_rules.h"
#include "vif.h"

LOG_TAG("representor");

/* @used: more than there is room for if they are too many */
struct words {
	size_t used;
	char text[POLICY_TEXT_MAX];
};

static void add_rule(void *arg, const char *key, const char *value)
{
	struct words *words = arg;

	if (words->used < sizeof(words->text))
		words->used += (size_t)snprintf(words->text + words->used,
						sizeof(words->text) - words->used, "%s%s=%s",
						words->used ? ";" : "", key, value);
}

/* What the rule vlan-filter is, also if it was set just now. Return: 0, -errno with @error */
static int read_vlans(struct vif *vif, char vlans[POLICY_TEXT_MAX], char *error)
{
	struct policy_trace *trace = malloc(sizeof(*trace));
	const struct policy_key *key;
	int ret;

	if (!trace) {
		snprintf(error, POLICY_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	ret = vif_explain_policy(vif, trace, error);
	vlans[0] = '\0';
	for (uint32_t n = 0; !ret && (key = policy_key(n)); n++)
		if (!strcmp(key->name, "vlan-filter"))
			snprintf(vlans, POLICY_TEXT_MAX, "%s", trace->of[n].value);
	free(trace);
	return ret;
}

/* DPDM adds a VLAN to a filter or removes one; the rule is the whole list. */
static int add_vlans(struct vif *vif, const struct privflags *command, struct words *words,
		     char *error)
{
	char now[POLICY_TEXT_MAX], list[PRIVFLAGS_VLANS_MAX];
	int ret = read_vlans(vif, now, error);

	if (ret)
		return ret;
	if (privflags_vlans(now, command->operand & 0xfff, command->operand & PRIVFLAGS_SET,
			    list)) {
		snprintf(error, POLICY_ERROR_MAX,
			 "vlan-filter would be empty, and all VLANs would pass");
		return -EINVAL;
	}
	add_rule(words, "vlan-filter", list);
	return 0;
}

/* Return: 0, -errno with @error */
static int make_words(struct vif *vif, const struct privflags *command, struct words *words,
		      char *error)
{
	words->used = 0;
	words->text[0] = '\0';
	if (command->op == PRIVFLAGS_VLAN_FILTER && !command->step)
		return add_vlans(vif, command, words, error);
	privflags_rules(command, add_rule, words);
	return 0;
}

static int obey(struct vif *vif, const struct privflags *command, char *error)
{
	struct words words;
	int ret = make_words(vif, command, &words, error);

	if (ret)
		return ret;
	if (words.used >= sizeof(words.text)) {
		snprintf(error, POLICY_ERROR_MAX, "the rules are longer than %u bytes",
			 POLICY_TEXT_MAX - 1);
		return -E2BIG;
	}
	if (words.used && (ret = vif_set_policy(vif, words.text, error)))
		return ret;
	if (words.used && vif_may_warn(vif))
		log_info("%s: '%.300s' was asked of its netdev by 0x%08" PRIx32, vif->name,
			 words.text, command->flags);
	return 0;
}

static void tell_unmet(void *arg, const char *name, const char *why)
{
	struct vif *vif = arg;

	if (vif_may_warn(vif))
		log_info("%s: '%s', asked of its netdev, is no rule: %s", vif->name, name, why);
}

void rep_command(struct vif *vif, uint32_t flags)
{
	struct rep_commands *commands = &vif->representor.commands;
	char error[POLICY_ERROR_MAX] = "", why[PRIVFLAGS_WHY_MAX];
	struct privflags command;

	if (privflags_decode(flags, &commands->mask, &command, why)) {
		snprintf(commands->why, sizeof(commands->why), "%s", why);
	} else if (obey(vif, &command, error)) {
		snprintf(commands->why, sizeof(commands->why), "0x%08" PRIx32 ": %s", flags, error);
	} else {
		commands->done++;
		privflags_unmet(&command, tell_unmet, vif);
		return;
	}
	commands->refused++;
	if (vif_may_warn(vif))
		log_warn("%s: a command by the private flags of its netdev is refused: %s",
			 vif->name, commands->why);
}
