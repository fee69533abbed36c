/* SPDX-License-Identifier: BSD-3-Clause */
#include "privflags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "privflags_rules.h"

#define IS_COMMAND (UINT32_C(1) << 31)
#define SET (1u << 15)
#define VLAN_MAX 4094u

enum op {
	OP_FEATURE,
	OP_RX_MODE,
	OP_STATS,
	OP_VLAN_FILTER,
	OP_VLAN_INSERT,
	OP_RATE,
	OP_QUEUE_RATE
};

static const char *const ops[] = {
	[OP_FEATURE] = "feature",	  [OP_RX_MODE] = "rx-mode",	    [OP_STATS] = "stats",
	[OP_VLAN_FILTER] = "vlan-filter", [OP_VLAN_INSERT] = "vlan-insert", [OP_RATE] = "rate",
	[OP_QUEUE_RATE] = "queue-rate",
};

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

struct command {
	uint32_t vf, op, step, operand;
};

static bool takes_mask(uint32_t op)
{
	return op == OP_VLAN_FILTER || op == OP_QUEUE_RATE;
}

static int refuse(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, PRIVFLAGS_WHY_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

static uint32_t join(const struct command *command)
{
	return IS_COMMAND | command->vf << 24 | command->op << 21 | command->step << 18 |
	       command->operand;
}

/* Return: 0, -EINVAL: no command that there is */
static int split(uint32_t flags, struct command *command, char *why)
{
	*command = (struct command){ .vf = flags >> 24 & 0x7f,
				     .op = flags >> 21 & 7,
				     .step = flags >> 18 & 7,
				     .operand = flags & 0xffff };
	if (!(flags & IS_COMMAND))
		return refuse(why, "0x%08" PRIx32 ": bit 31 is 0: flags of the PF itself", flags);
	if (flags >> 16 & 3)
		return refuse(why, "0x%08" PRIx32 ": bits 17:16 are not 0", flags);
	if (command->op >= NR_OPS)
		return refuse(why, "0x%08" PRIx32 ": no operation %u", flags, command->op);
	if (command->step > (takes_mask(command->op) ? PRIVFLAGS_STEPS : 0))
		return refuse(why, "0x%08" PRIx32 ": %s has no step %u", flags, ops[command->op],
			      command->step);
	return 0;
}

static void put_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void put_number(struct json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

/* The names of the bits that are set. Return: false: one of them has none */
static bool put_bits(struct json_object *object, const char *name,
		     const struct privflags_bit bits[PRIVFLAGS_BITS], uint32_t operand)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(object, name, list);
	for (uint32_t i = 0; i < 16; i++) {
		if (!(operand & 1u << i))
			continue;
		if (!bits[i].name)
			return false;
		json_object_array_add(list, json_object_new_string(bits[i].name));
	}
	return true;
}

static void put_mask(struct json_object *object, const char *name, uint64_t mask)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < 64; i++)
		if (mask & UINT64_C(1) << i)
			json_object_array_add(list, json_object_new_uint64(i));
	json_object_object_add(object, name, list);
}

/* A feature that is not set is reset; of modes, only those that are named change. */
static int decode_bits(struct json_object *object, struct json_object *policy,
		       const struct command *command, char *why)
{
	bool feature = command->op == OP_FEATURE, set = feature || command->operand & SET;
	const struct privflags_bit *bits = feature ? privflags_features : privflags_rx_modes;
	uint32_t operand = feature ? command->operand : command->operand & ~SET;
	struct json_object *unmet;

	if (!put_bits(object, set ? "set" : "reset", bits, operand))
		return refuse(why, "0x%08" PRIx32 ": a bit in 15:0 has no meaning in %s",
			      join(command), ops[command->op]);
	unmet = json_object_new_object();
	privflags_bit_rules(policy, unmet, bits, feature ? UINT16_MAX : operand, set ? operand : 0);
	json_object_object_add(object, "unmet", unmet);
	return 0;
}

/* A tag has its priority above. */
static int decode_vlan(struct json_object *object, struct json_object *policy,
		       const struct command *command, uint64_t *mask, char *why)
{
	bool insert = command->op == OP_VLAN_INSERT;
	uint32_t vlan = command->operand & 0xfff;
	char text[16] = "";

	if (vlan > VLAN_MAX || (!insert && (!vlan || command->operand & 0x7000)) ||
	    (insert && (command->operand & 0x1000 || (!vlan && command->operand))))
		return refuse(why, "0x%08" PRIx32 ": no VLAN in 15:0", join(command));
	put_number(object, "vlan", vlan);
	if (insert)
		put_number(object, "priority", command->operand >> 13);
	if (insert && vlan)
		snprintf(text, sizeof(text), "%u/%u", vlan, command->operand >> 13);
	if (insert)
		put_text(policy, "vlan-insert", text);
	if (insert)
		return 0;
	put_text(object, "do", command->operand & SET ? "add" : "remove");
	put_mask(object, "vfs", *mask);
	*mask = 0;
	snprintf(text, sizeof(text), "%u", vlan);
	if (command->operand & SET)
		put_text(policy, "vlan-filter", text);
	return 0;
}

static int decode_operand(struct json_object *object, struct json_object *policy,
			  const struct command *command, uint64_t *mask, char *why)
{
	switch (command->op) {
	case OP_FEATURE:
	case OP_RX_MODE:
		return decode_bits(object, policy, command, why);
	case OP_STATS:
		return command->operand ? refuse(why, "0x%08" PRIx32 ": stats takes no operand",
						 join(command)) :
					  0;
	case OP_VLAN_FILTER:
	case OP_VLAN_INSERT:
		return decode_vlan(object, policy, command, mask, why);
	case OP_QUEUE_RATE:
		put_mask(object, "queues", *mask);
		privflags_queue_rule(policy, *mask, command->operand);
		*mask = 0;
		put_number(object, "mbps", command->operand);
		return 0;
	default:
		put_number(object, "mbps", command->operand);
		privflags_rate_rule(policy, command->operand);
		return 0;
	}
}

struct json_object *privflags_decode(uint32_t flags, uint64_t *mask, char why[PRIVFLAGS_WHY_MAX])
{
	struct json_object *object, *policy;
	struct command command;
	char text[16];

	if (split(flags, &command, why))
		return NULL;
	object = json_object_new_object();
	policy = json_object_new_object();
	snprintf(text, sizeof(text), "0x%08" PRIx32, flags);
	put_text(object, "flags", text);
	put_text(object, "op", ops[command.op]);
	put_number(object, "vf", command.vf);
	if (command.step) {
		uint32_t shift = 16 * (command.step - 1);

		put_number(object, "step", command.step);
		put_mask(object, command.op == OP_QUEUE_RATE ? "queues" : "vfs",
			 (uint64_t)command.operand << shift);
		*mask = (*mask & ~(UINT64_C(0xffff) << shift)) | (uint64_t)command.operand << shift;
	} else if (decode_operand(object, policy, &command, mask, why)) {
		json_object_put(object);
		json_object_put(policy);
		return NULL;
	}
	json_object_object_add(object, "policy", policy);
	return object;
}

/* What stands behind @name= among the words. */
static const char *word_of(char *const *words, int nr, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < nr; i++)
		if (!strncmp(words[i], name, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

static int number_word(char *const *words, int nr, const char *name, uint32_t max, uint32_t *number,
		       char *why)
{
	const char *text = word_of(words, nr, name);

	if (!text || text_u32(text, 0, max, number))
		return refuse(why, "expected %s=0..%u", name, max);
	return 0;
}

static int mask_word(char *const *words, int nr, const char *name, uint64_t *mask, char *why)
{
	const char *text = word_of(words, nr, name);
	uint32_t bit;

	*mask = 0;
	while (text && !text_take_u32(&text, 0, 63, &bit)) {
		*mask |= UINT64_C(1) << bit;
		if (!*text)
			return 0;
		if (*text++ != ',')
			break;
	}
	return refuse(why, "expected %s=N,N with N 0..63", name);
}

static int bits_word(const char *text, const struct privflags_bit bits[PRIVFLAGS_BITS],
		     uint32_t *operand, char *why)
{
	*operand = 0;
	while (*text) {
		size_t len = strcspn(text, ",");
		uint32_t i = 0;

		while (i < 16 && !(bits[i].name && strlen(bits[i].name) == len &&
				   !memcmp(bits[i].name, text, len)))
			i++;
		if (i == 16)
			return refuse(why, "'%.*s': no such name", (int)(len < 32 ? len : 32),
				      text);
		*operand |= 1u << i;
		text += len + (text[len] == ',');
	}
	return 0;
}

static int encode_bits(char *const *words, int nr, struct command *command, char *why)
{
	const char *set = word_of(words, nr, "set"), *reset = word_of(words, nr, "reset");
	int ret;

	if (command->op == OP_FEATURE)
		return set && !reset ?
			       bits_word(set, privflags_features, &command->operand, why) :
			       refuse(why, "expected set=NAME,NAME; names that are not listed are "
					   "reset");
	if (!set == !reset)
		return refuse(why, "expected set=NAME,NAME or reset=NAME,NAME");
	ret = bits_word(set ? set : reset, privflags_rx_modes, &command->operand, why);
	if (!ret && set)
		command->operand |= SET;
	return ret;
}

static int encode_vlan(char *const *words, int nr, struct command *command, char *why)
{
	const char *what = word_of(words, nr, "do");
	uint32_t priority = 0;

	if (number_word(words, nr, "vlan", VLAN_MAX, &command->operand, why))
		return -EINVAL;
	if (command->op == OP_VLAN_INSERT) {
		if (word_of(words, nr, "priority") &&
		    number_word(words, nr, "priority", 7, &priority, why))
			return -EINVAL;
		if (!command->operand && priority)
			return refuse(why, "a priority without a VLAN");
		command->operand |= priority << 13;
		return 0;
	}
	if (!command->operand)
		return refuse(why, "expected vlan=1..%u", VLAN_MAX);
	if (!what || (strcmp(what, "add") != 0 && strcmp(what, "remove") != 0))
		return refuse(why, "expected do=add or do=remove");
	if (*what == 'a')
		command->operand |= SET;
	return 0;
}

static int encode_operand(char *const *words, int nr, struct command *command, char *why)
{
	switch (command->op) {
	case OP_FEATURE:
	case OP_RX_MODE:
		return encode_bits(words, nr, command, why);
	case OP_STATS:
		return 0;
	case OP_VLAN_FILTER:
	case OP_VLAN_INSERT:
		return encode_vlan(words, nr, command, why);
	default:
		return number_word(words, nr, "mbps", UINT16_MAX, &command->operand, why);
	}
}

static int known_words(char *const *words, int nr, char *why)
{
	static const char *const names[] = { "op",	 "vf", "set", "reset",	"vlan",
					     "priority", "do", "vfs", "queues", "mbps" };

	for (int i = 0; i < nr; i++) {
		size_t len = strcspn(words[i], "="), k = 0;
		bool known = false;

		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			known |= strlen(names[k]) == len && !memcmp(names[k], words[i], len);
		if (!known || !words[i][len])
			return refuse(why, "'%.40s': no such word", words[i]);
	}
	return 0;
}

int privflags_encode(char *const *words, int nr_words, uint32_t flags[PRIVFLAGS_STEPS + 1],
		     char why[PRIVFLAGS_WHY_MAX])
{
	const char *op = word_of(words, nr_words, "op");
	struct command command = { 0 };
	uint64_t mask = 0;
	int nr = 0;

	if (known_words(words, nr_words, why))
		return -EINVAL;
	while (command.op < NR_OPS && (!op || strcmp(ops[command.op], op) != 0))
		command.op++;
	if (command.op == NR_OPS)
		return refuse(why, "expected op= and feature, rx-mode, stats, vlan-filter, "
				   "vlan-insert, rate or queue-rate");
	if ((command.op != OP_VLAN_FILTER || word_of(words, nr_words, "vf")) &&
	    number_word(words, nr_words, "vf", 127, &command.vf, why))
		return -EINVAL;
	if (encode_operand(words, nr_words, &command, why))
		return -EINVAL;
	if (takes_mask(command.op)) {
		struct command part = command;

		if (mask_word(words, nr_words, command.op == OP_QUEUE_RATE ? "queues" : "vfs",
			      &mask, why))
			return -EINVAL;
		for (part.step = 1; part.step <= PRIVFLAGS_STEPS; part.step++) {
			part.operand = (uint32_t)(mask >> (16 * (part.step - 1))) & 0xffff;
			flags[nr++] = join(&part);
		}
	}
	flags[nr++] = join(&command);
	return nr;
}

void privflags_names(uint32_t flags, char *text, size_t size)
{
	static const char *const groups[] = { "b", "s", "op", "v" };
	static const uint32_t first[] = { 0, 18, 21, 24, 31 };
	size_t used = 0;

	*text = '\0';
	for (uint32_t group = 0; group < 4; group++)
		for (uint32_t bit = first[group]; bit < first[group + 1] && used < size; bit++)
			used += (size_t)snprintf(text + used, size - used, "%s%u %s ",
						 groups[group], bit - first[group],
						 flags >> bit & 1 ? "on" : "off");
	if (used < size)
		snprintf(text + used, size - used, "enable-vfd %s",
			 flags & IS_COMMAND ? "on" : "off");
}
