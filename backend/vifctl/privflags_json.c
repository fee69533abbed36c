/* SPDX-License-Identifier: BSD-3-Clause */
#include "privflags_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/privflags_rules.h"

static void put_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void put_number(struct json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

/* As privflags_rules() tells */
static void put_told(void *arg, const char *name, const char *text)
{
	put_text(arg, name, text);
}

static void put_bits(struct json_object *object, const struct privflags *command)
{
	bool feature = command->op == PRIVFLAGS_FEATURE;
	const struct privflags_bit *bits = feature ? privflags_features : privflags_rx_modes;
	uint32_t operand = feature ? command->operand : command->operand & ~PRIVFLAGS_SET;
	struct json_object *list = json_object_new_array(), *unmet = json_object_new_object();

	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++)
		if (operand & 1u << i)
			json_object_array_add(list, json_object_new_string(bits[i].name));
	json_object_object_add(object,
			       feature || command->operand & PRIVFLAGS_SET ? "set" : "reset", list);
	privflags_unmet(command, put_told, unmet);
	json_object_object_add(object, "unmet", unmet);
}

static void put_mask(struct json_object *object, const struct privflags *command)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < 64; i++)
		if (command->mask & UINT64_C(1) << i)
			json_object_array_add(list, json_object_new_uint64(i));
	json_object_object_add(object, command->op == PRIVFLAGS_QUEUE_RATE ? "queues" : "vfs",
			       list);
}

static void put_operand(struct json_object *object, const struct privflags *command)
{
	switch (command->op) {
	case PRIVFLAGS_FEATURE:
	case PRIVFLAGS_RX_MODE:
		put_bits(object, command);
		break;
	case PRIVFLAGS_VLAN_FILTER:
		put_number(object, "vlan", command->operand & 0xfff);
		put_text(object, "do", command->operand & PRIVFLAGS_SET ? "add" : "remove");
		put_mask(object, command);
		break;
	case PRIVFLAGS_VLAN_INSERT:
		put_number(object, "vlan", command->operand & 0xfff);
		put_number(object, "priority", command->operand >> 13);
		break;
	case PRIVFLAGS_QUEUE_RATE:
		put_mask(object, command);
		put_number(object, "mbps", command->operand);
		break;
	case PRIVFLAGS_RATE:
		put_number(object, "mbps", command->operand);
		break;
	default:
		break;
	}
}

struct json_object *privflags_json(uint32_t flags, uint64_t *mask, char why[PRIVFLAGS_WHY_MAX])
{
	struct json_object *object, *policy;
	struct privflags command;
	char text[16];

	if (privflags_decode(flags, mask, &command, why))
		return NULL;
	object = json_object_new_object();
	policy = json_object_new_object();
	snprintf(text, sizeof(text), "0x%08" PRIx32, flags);
	put_text(object, "flags", text);
	put_text(object, "op", privflags_op_name(command.op));
	put_number(object, "vf", command.vf);
	if (command.step) {
		put_number(object, "step", command.step);
		put_mask(object, &command);
	} else {
		put_operand(object, &command);
	}
	privflags_rules(&command, put_told, policy);
	json_object_object_add(object, "policy", policy);
	return object;
}
