/* SPDX-License-Identifier: BSD-3-Clause */
/* links: policy/policy.c policy/words.c policy/files.c ini.c config.c vifctl/import_vfd.c vifctl/import_site.c vifctl/privflags_json.c policy/privflags.c policy/privflags_rules.c */
/*
 * Input of admins: values of rules, both kinds of files, VFd's files, DPDM's flags.
 * The first byte selects one. Accepted input is accepted again.
 */
#include "fuzz.h"

#include <stdarg.h>

#include "backend/config.h"
#include "backend/policy/files.h"
#include "backend/vifctl/import.h"
#include "backend/vifctl/privflags_json.h"

#define WORDS_MAX 12

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	char text[512];
	va_list args;

	(void)level;
	(void)tag;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
}

static void check_value(const char *text, size_t size)
{
	static struct policy_trace trace;
	struct policy_draft draft;
	struct path_live live = { 0 };
	struct rte_ether_addr mac = { 0 };
	char why[POLICY_ERROR_MAX];
	uint32_t nr = 0;

	if (!size)
		return;
	while (policy_key(nr))
		nr++;
	policy_init(&draft);
	draft.trace = &trace;
	if (policy_set(&draft, policy_key((uint8_t)*text % nr)->name, text + 1, why)) {
		fuzz_check(strlen(why) > 0 && strlen(why) < sizeof(why));
		return;
	}
	policy_compile(&draft, &mac, &live);
	fuzz_check(!policy_set(&draft, policy_key((uint8_t)*text % nr)->name, text + 1, why));
}

static void check_file(const char *text, size_t size, bool daemon)
{
	static struct config config;
	FILE *stream = size ? fmemopen((void *)(uintptr_t)text, size, "r") : NULL;

	if (!stream)
		return;
	if (daemon)
		config_read(&config, stream, "fuzz.conf");
	else
		policy_check_file(stream, "fuzz.conf");
	fclose(stream);
}

static void tell(void *arg, const char *what)
{
	++*(unsigned int *)arg;
	fuzz_check(strlen(what) > 0);
}

static void check_import(const char *text, size_t size)
{
	static const struct import_options options = { .match = "vifname=x",
						       .mbps = 10000,
						       .folder = "/nowhere" };
	char why[POLICY_ERROR_MAX];
	struct policy_draft draft;
	struct json_object *made, *policy = NULL;
	unsigned int errors = 0;

	made = import_vfd(text, size, &options, tell, &errors);
	fuzz_check(!made == (errors > 0));
	if (!made)
		return;
	json_object_object_get_ex(made, "policy", &policy);
	policy_init(&draft);
	json_object_object_foreach(policy, key, value)
	{
		fuzz_check(!policy_set(&draft, key, json_object_get_string(value), why));
	}
	json_object_put(made);
}

static const char *join_list(struct json_object *list, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < json_object_array_length(list); i++)
		used += (size_t)snprintf(
			text + used, size - used, "%s%s", i ? "," : "",
			json_object_get_string(json_object_array_get_idx(list, i)));
	return text;
}

/* Makes words for privflags_encode() from the output of privflags_json(). Return: how many */
static int words_of(struct json_object *object, char store[WORDS_MAX][512], char *words[WORDS_MAX])
{
	int nr = 0;

	json_object_object_foreach(object, name, value)
	{
		char list[480];

		if (!strcmp(name, "flags") || !strcmp(name, "policy") || !strcmp(name, "unmet"))
			continue;
		snprintf(store[nr], 512, "%s=%s", name,
			 json_object_is_type(value, json_type_array) ?
				 join_list(value, list, sizeof(list)) :
				 json_object_get_string(value));
		words[nr] = store[nr];
		nr++;
	}
	return nr;
}

/* The name of a command encodes to the same command. */
static void check_flags(uint32_t flags, uint64_t mask)
{
	char why[PRIVFLAGS_WHY_MAX], store[WORDS_MAX][512], *words[WORDS_MAX];
	struct json_object *object = privflags_json(flags, &mask, why), *step = NULL;
	uint32_t again[PRIVFLAGS_STEPS + 1];
	int nr;

	if (!object)
		return;
	if (!json_object_object_get_ex(object, "step", &step)) {
		nr = privflags_encode(words, words_of(object, store, words), again, why);
		/* an empty mask has no words */
		fuzz_check(nr < 0 ? strstr(why, "with N 0..63") != NULL : again[nr - 1] == flags);
	}
	json_object_put(object);
}

static void check_words(char *text)
{
	char why[PRIVFLAGS_WHY_MAX], *words[WORDS_MAX], *word;
	uint32_t flags[PRIVFLAGS_STEPS + 1];
	struct json_object *object;
	uint64_t mask = 0;
	int nr = 0;

	while (nr < WORDS_MAX && (word = strsep(&text, " ")))
		words[nr++] = word;
	nr = privflags_encode(words, nr, flags, why);
	for (int i = 0; i < nr; i++) {
		object = privflags_json(flags[i], &mask, why);
		fuzz_check(object);
		json_object_put(object);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	uint8_t kind = fuzz_u8(&input) % 6;
	char *text = malloc(input.left + 1);
	uint32_t flags = 0;
	uint64_t mask = 0;

	memcpy(text, input.next, input.left);
	text[input.left] = '\0';
	size = input.left;
	switch (kind) {
	case 0:
		check_value(text, size);
		break;
	case 1:
	case 2:
		check_file(text, size, kind == 1);
		break;
	case 3:
		check_import(text, size);
		break;
	case 4:
		fuzz_bytes(&input, &flags, sizeof(flags));
		fuzz_bytes(&input, &mask, sizeof(mask));
		check_flags(flags | UINT32_C(1) << 31, mask);
		break;
	default:
		check_words(text);
		break;
	}
	free(text);
	return 0;
}
