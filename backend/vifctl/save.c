/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that outlive the guest's domain: a file of policy_dir for one interface, written by
 * 'set --save'. Other lines of the file are left as they are.
 */
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vifctl.h"

#define SECTION "[override]"

/**
 * struct saving - One file that is written anew
 * @words, @nr: KEY=VALUE to have, KEY to remove
 * @done:  one bit for each of them that was met
 * @rules: in the file
 */
struct saving {
	char *const *words;
	int nr;
	uint64_t done;
	bool in_section;
	unsigned int rules;
	FILE *out;
};

static void put_rule(struct saving *saving, int word)
{
	const char *text = saving->words[word], *value = strchr(text, '=');

	saving->done |= UINT64_C(1) << word;
	if (!value)
		return;
	fprintf(saving->out, "%.*s = %s\n", (int)(value - text), text, value + 1);
	saving->rules++;
}

/* Which of the words has the key of this line? Return: its number, -1 = none */
static int find_word(const struct saving *saving, const char *line)
{
	const char *key = line + strspn(line, " \t");
	size_t len = strcspn(key, " \t=\n");

	for (int i = 0; i < saving->nr; i++)
		if (strcspn(saving->words[i], "=") == len && !strncmp(saving->words[i], key, len))
			return i;
	return -1;
}

static void take_line(struct saving *saving, const char *line)
{
	const char *text = line + strspn(line, " \t");
	int word = -1;

	if (*text == '[')
		saving->in_section = !strncmp(text, SECTION, strlen(SECTION));
	else if (saving->in_section)
		word = find_word(saving, line);
	if (word >= 0) {
		put_rule(saving, word);
		return;
	}
	fputs(line, saving->out);
	saving->rules += saving->in_section && *text != '[' && *text != '#' && strchr(text, '=');
}

static void take_all(struct saving *saving, FILE *old, const char *mac)
{
	char *line = NULL;
	size_t size = 0;

	if (!old)
		fprintf(saving->out, "[match]\nmac = %s\n" SECTION "\n", mac);
	while (old && getline(&line, &size, old) >= 0)
		take_line(saving, line);
	if (old && !saving->in_section)
		fprintf(saving->out, SECTION "\n");
	for (int i = 0; i < saving->nr; i++)
		if (!(saving->done & UINT64_C(1) << i))
			put_rule(saving, i);
	free(line);
}

/* What stands in @out is complete and right: it becomes @path. Return: 0, -errno */
static int replace(const struct saving *saving, const char *temporary, const char *path)
{
	rewind(saving->out);
	if (saving->rules && check_file(saving->out, path))
		return -EINVAL;
	if (ferror(saving->out) || fsync(fileno(saving->out)))
		return -EIO;
	if (!saving->rules)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	return rename(temporary, path) ? -errno : 0;
}

/* The folder is locked. */
static int save_locked(struct saving *saving, const char *dir, const char *mac, char *path,
		       size_t size)
{
	char digits[13] = "", temporary[320];
	FILE *old;
	int ret;

	for (const char *at = mac; *at && strlen(digits) < 12; at++)
		if (*at != ':')
			strncat(digits, at, 1);
	snprintf(path, size, "%s/saved-%s.conf", dir, digits);
	snprintf(temporary, sizeof(temporary), "%s/.saved-%s.new", dir, digits);
	old = fopen(path, "re");
	if (!old && errno != ENOENT)
		return -errno;
	saving->out = fopen(temporary, "w+e");
	ret = saving->out ? 0 : -errno;
	if (!ret) {
		take_all(saving, old, mac);
		ret = fflush(saving->out) ? -errno : replace(saving, temporary, path);
		fclose(saving->out);
		if (ret || !saving->rules)
			unlink(temporary);
	}
	if (old)
		fclose(old);
	return ret;
}

int save_rules(const char *dir, const char *mac, char *const *words, int nr, char *path,
	       size_t size)
{
	struct saving saving = { .words = words, .nr = nr };
	int fd, ret;

	snprintf(path, size, "%s", dir);
	if (nr > 64)
		return -E2BIG;
	for (int i = 0; i < nr; i++)
		if (strchr(words[i], '#'))
			return -EINVAL; /* a comment would begin there */
	if (mkdir(dir, 0755) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = flock(fd, LOCK_EX) ? -errno : save_locked(&saving, dir, mac, path, size);
	if (!ret)
		fsync(fd);
	close(fd);
	return ret;
}
