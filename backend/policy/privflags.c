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
#define VLAN_MAX 4094u

static const char *const ops[PRIVFLAGS_OPS] = {
	[PRIVFLAGS_FEATURE] = "feature",
	[PRIVFLAGS_RX_MODE] = "rx-mode",
	[PRIVFLAGS_STATS] = "stats",
	[PRIVFLAGS_VLAN_FILTER] = "vlan-filter",
	[PRIVFLAGS_VLAN_INSERT] = "vlan-insert",
	[PRIVFLAGS_RATE] = "rate",
	[PRIVFLAGS_QUEUE_RATE] = "queue-rate",
};

const char *privflags_op_name(enum privflags_op op)
{
	return ops[op];
}

static bool takes_mask(uint32_t op)
{
	return op == PRIVFLAGS_VLAN_FILTER || op == PRIVFLAGS_QUEUE_RATE;
}

uint8_t privflags_steps(uint32_t op)
{
	if (op >= PRIVFLAGS_OPS)
		return 0;
	return takes_mask(op) ? (2u << PRIVFLAGS_STEPS) - 1 : 1;
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

static uint32_t join(const struct privflags *command)
{
	return IS_COMMAND | command->vf << 24 | command->op << 21 | command->step << 18 |
	       command->operand;
}

/* Return: 0, -EINVAL: no command that there is */
static int split(uint32_t flags, struct privflags *command, char *why)
{
	*command = (struct privflags){ .flags = flags,
				       .vf = flags >> 24 & 0x7f,
				       .op = flags >> 21 & 7,
				       .step = flags >> 18 & 7,
				       .operand = flags & 0xffff };
	if (!(flags & IS_COMMAND))
		return refuse(why, "0x%08" PRIx32 ": bit 31 is 0: flags of the PF itself", flags);
	if (flags >> 16 & 3)
		return refuse(why, "0x%08" PRIx32 ": bits 17:16 are not 0", flags);
	if (command->op >= PRIVFLAGS_OPS)
		return refuse(why, "0x%08" PRIx32 ": no operation %u", flags, command->op);
	if (!(privflags_steps(command->op) & 1u << command->step))
		return refuse(why, "0x%08" PRIx32 ": %s has no step %u", flags, ops[command->op],
			      command->step);
	return 0;
}

static bool have_names(const struct privflags_bit bits[PRIVFLAGS_BITS], uint32_t operand)
{
	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++)
		if (operand & 1u << i && !bits[i].name)
			return false;
	return true;
}

/* A tag has its priority above. */
static bool is_vlan(const struct privflags *command)
{
	uint32_t vlan = command->operand & 0xfff;

	if (vlan > VLAN_MAX)
		return false;
	if (command->op == PRIVFLAGS_VLAN_FILTER)
		return vlan && !(command->operand & 0x7000);
	return !(command->operand & 0x1000) && (vlan || !command->operand);
}

static int check_operand(const struct privflags *command, char *why)
{
	bool good = true;

	switch (command->op) {
	case PRIVFLAGS_FEATURE:
		good = have_names(privflags_features, command->operand);
		break;
	case PRIVFLAGS_RX_MODE:
		good = have_names(privflags_rx_modes, command->operand & ~PRIVFLAGS_SET);
		break;
	case PRIVFLAGS_STATS:
		if (command->operand)
			return refuse(why, "0x%08" PRIx32 ": stats takes no operand",
				      command->flags);
		break;
	case PRIVFLAGS_VLAN_FILTER:
	case PRIVFLAGS_VLAN_INSERT:
		if (!is_vlan(command))
			return refuse(why, "0x%08" PRIx32 ": no VLAN in 15:0", command->flags);
		break;
	default:
		break;
	}
	return good ? 0 :
		      refuse(why, "0x%08" PRIx32 ": a bit in 15:0 has no meaning in %s",
			     command->flags, ops[command->op]);
}

int privflags_decode(uint32_t flags, uint64_t *mask, struct privflags *command,
		     char why[PRIVFLAGS_WHY_MAX])
{
	if (split(flags, command, why))
		return -EINVAL;
	if (command->step) {
		uint32_t shift = 16 * (command->step - 1);

		command->mask = (uint64_t)command->operand << shift;
		*mask = (*mask & ~(UINT64_C(0xffff) << shift)) | command->mask;
		return 0;
	}
	if (check_operand(command, why))
		return -EINVAL;
	if (takes_mask(command->op)) {
		command->mask = *mask;
		*mask = 0;
	}
	return 0;
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

static int encode_bits(char *const *words, int nr, struct privflags *command, char *why)
{
	const char *set = word_of(words, nr, "set"), *reset = word_of(words, nr, "reset");
	int ret;

	if (command->op == PRIVFLAGS_FEATURE)
		return set && !reset ?
			       bits_word(set, privflags_features, &command->operand, why) :
			       refuse(why, "expected set=NAME,NAME; names that are not listed are "
					   "reset");
	if (!set == !reset)
		return refuse(why, "expected set=NAME,NAME or reset=NAME,NAME");
	ret = bits_word(set ? set : reset, privflags_rx_modes, &command->operand, why);
	if (!ret && set)
		command->operand |= PRIVFLAGS_SET;
	return ret;
}

static int encode_vlan(char *const *words, int nr, struct privflags *command, char *why)
{
	const char *what = word_of(words, nr, "do");
	uint32_t priority = 0;

	if (number_word(words, nr, "vlan", VLAN_MAX, &command->operand, why))
		return -EINVAL;
	if (command->op == PRIVFLAGS_VLAN_INSERT) {
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
		command->operand |= PRIVFLAGS_SET;
	return 0;
}

static int encode_operand(char *const *words, int nr, struct privflags *command, char *why)
{
	switch (command->op) {
	case PRIVFLAGS_FEATURE:
	case PRIVFLAGS_RX_MODE:
		return encode_bits(words, nr, command, why);
	case PRIVFLAGS_STATS:
		return 0;
	case PRIVFLAGS_VLAN_FILTER:
	case PRIVFLAGS_VLAN_INSERT:
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
	struct privflags command = { 0 };
	uint64_t mask = 0;
	int nr = 0;

	if (known_words(words, nr_words, why))
		return -EINVAL;
	while (command.op < PRIVFLAGS_OPS && (!op || strcmp(ops[command.op], op) != 0))
		command.op++;
	if (command.op == PRIVFLAGS_OPS)
		return refuse(why, "expected op= and feature, rx-mode, stats, vlan-filter, "
				   "vlan-insert, rate or queue-rate");
	if ((command.op != PRIVFLAGS_VLAN_FILTER || word_of(words, nr_words, "vf")) &&
	    number_word(words, nr_words, "vf", 127, &command.vf, why))
		return -EINVAL;
	if (encode_operand(words, nr_words, &command, why))
		return -EINVAL;
	if (takes_mask(command.op)) {
		struct privflags part = command;

		if (mask_word(words, nr_words,
			      command.op == PRIVFLAGS_QUEUE_RATE ? "queues" : "vfs", &mask, why))
			return -EINVAL;
		for (part.step = 1; part.step <= PRIVFLAGS_STEPS; part.step++) {
			part.operand = (uint32_t)(mask >> (16 * (part.step - 1))) & 0xffff;
			flags[nr++] = join(&part);
		}
	}
	flags[nr++] = join(&command);
	return nr;
}

void privflags_bit_name(uint32_t bit, char name[PRIVFLAGS_NAME_MAX])
{
	static const char *const groups[] = { "b", "s", "op", "v" };
	static const uint32_t first[] = { 0, 18, 21, 24, 31 };
	uint32_t group = 0;

	while (group < 4 && bit >= first[group + 1])
		group++;
	if (group < 4)
		snprintf(name, PRIVFLAGS_NAME_MAX, "%s%" PRIu32, groups[group], bit - first[group]);
	else
		snprintf(name, PRIVFLAGS_NAME_MAX, "enable-vfd");
}

void privflags_names(uint32_t flags, char *text, size_t size)
{
	char name[PRIVFLAGS_NAME_MAX];
	size_t used = 0;

	*text = '\0';
	for (uint32_t bit = 32; bit-- && used < size;) {
		privflags_bit_name(bit, name);
		used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? " " : "", name,
					 flags >> bit & 1 ? "on" : "off");
	}
}
