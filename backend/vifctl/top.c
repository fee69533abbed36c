/* SPDX-License-Identifier: BSD-3-Clause */
/* top: who sends and receives how much, again and again; 80 columns are enough. */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "print.h"
#include "sample.h"
#include "spark.h"
#include "top_views.h"
#include "vifctl.h"

#define TOP_SECONDS 1.0
#define COLUMNS 80
/* Of a line: all columns but the last, and lines that are no vif's */
#define FIXED_COLUMNS 70
#define HEAD_ROWS 4
#define MBIT 125e3

static const char red[] = "\033[31m", yellow[] = "\033[33m", green[] = "\033[32m",
		  reverse[] = "\033[7m", plain[] = "\033[0m";

/**
 * struct screen - Where it is drawn, and what
 * @tty:   standard output is a terminal: each time all of it is drawn
 * @keys:  standard input is one, too, and its keys change @view and @sort
 * @color, @utf8: the terminal shows them
 * @old:   of the terminal, before keys were read one by one
 * @rates: traffic of each line over time
 */
struct screen {
	bool tty, keys, color, utf8, quit;
	int rows, columns;
	enum top_view view;
	enum top_sort sort;
	struct termios old;
	struct sparks rates;
};

/** struct look - What vifd answered once */
struct look {
	struct json_object *vifs, *vfs, *memory;
	double at;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void measure(struct screen *screen)
{
	struct winsize size = { 0 };

	screen->columns = COLUMNS;
	screen->rows = 0;
	if (!screen->tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	screen->columns = size.ws_col ? size.ws_col : COLUMNS;
	screen->rows = size.ws_row;
}

static void screen_open(struct screen *screen)
{
	const struct sigaction action = { .sa_handler = end };
	struct termios now;

	setlocale(LC_CTYPE, "");
	screen->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	screen->tty = isatty(STDOUT_FILENO);
	screen->color = screen->tty && !getenv("NO_COLOR");
	screen->keys = screen->tty && !tcgetattr(STDIN_FILENO, &screen->old);
	if (!screen->keys)
		return;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	now = screen->old;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static void screen_close(struct screen *screen)
{
	if (screen->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->old);
	sparks_free(&screen->rates);
}

static void look_put(struct look *look)
{
	json_object_put(look->vifs);
	json_object_put(look->vfs);
	json_object_put(look->memory);
	*look = (struct look){ 0 };
}

static bool look_at(struct client *client, struct look *look)
{
	look->vifs = client_vifs(client);
	look->vfs = look->vifs ? client_ask_pages(client, "/vifd/vfs") : NULL;
	look->memory = look->vfs ? client_ask(client, "/vifd/memory") : NULL;
	look->at = now_seconds();
	if (look->memory)
		return true;
	look_put(look);
	return false;
}

static const char *in(const struct screen *screen, const char *color)
{
	return screen->color ? color : "";
}

static double sum_of(struct json_object *lines, const char *name, double unit)
{
	double sum = 0;

	for (size_t i = 0; i < json_object_array_length(lines); i++)
		sum += rate_of(json_object_array_get_idx(lines, i), name);
	return sum / unit;
}

/* Of the pool that all vifs share */
static void draw_memory(const struct screen *screen, struct json_object *memory)
{
	json_object_object_foreach(memory, name, pool)
	{
		uint64_t all = number_of(pool, "buffers"), free = number_of(pool, "free");
		unsigned int percent = all ? (unsigned int)(free * 100 / all) : 0;

		if (strncmp(name, "vifd", strlen("vifd")))
			continue;
		printf("   packet memory %s%u%% free%s",
		       percent < 10 ? in(screen, red) :
		       percent < 25 ? in(screen, yellow) :
				      "",
		       percent, screen->color ? plain : "");
	}
}

static void draw_head(struct screen *screen, const struct look *look, struct json_object *lines)
{
	double tx = sum_of(lines, "tx_bytes_ps", MBIT), rx = sum_of(lines, "rx_bytes_ps", MBIT);
	double drops = sum_of(lines, "drops_ps", 1);
	struct spark *spark = sparks_add(&screen->rates, "", tx + rx);
	char text[SPARK_TEXT_MAX] = "";
	size_t taken = 0;

	for (size_t i = 0; i < json_object_array_length(look->vfs); i++)
		taken += *text_of(json_object_array_get_idx(look->vfs, i), "owner") != '\0';
	printf("%zu vifs   %zu of %zu VFs taken", json_object_array_length(look->vifs), taken,
	       json_object_array_length(look->vfs));
	draw_memory(screen, look->memory);
	if (spark)
		spark_text(spark, 20, screen->utf8, text);
	printf("\ntx %.1f  rx %.1f Mbit/s   %s%.0f drops/s%s   %s\n", tx, rx,
	       drops > 0 ? in(screen, red) : "", drops, drops > 0 ? in(screen, plain) : "", text);
	if (screen->keys)
		printf("by %s (v)   sorted by %s (s)   end (q)\n", top_view_names[screen->view],
		       top_sort_names[screen->sort]);
}

static const char *path_of(struct json_object *line)
{
	const char *path = text_of(line, "path");

	return !strcmp(path, "software") ? "sw" : *path ? path : "-";
}

static void draw_line(struct screen *screen, struct json_object *line)
{
	double tx = rate_of(line, "tx_bytes_ps"), rx = rate_of(line, "rx_bytes_ps");
	double drops = rate_of(line, "drops_ps");
	struct spark *spark = sparks_add(&screen->rates, text_of(line, "name"), tx + rx);
	const char *worker = *text_of(line, "worker") ? text_of(line, "worker") : "-";
	bool stalled = number_of(line, "stalled");
	char text[SPARK_TEXT_MAX] = "", path[24];

	if (member_of(line, "vifs"))
		snprintf(path, sizeof(path), "%s", text_of(line, "vifs"));
	else
		snprintf(path, sizeof(path), "%s", path_of(line));
	if (spark)
		spark_text(spark, (size_t)(screen->columns - FIXED_COLUMNS), screen->utf8, text);
	printf("%-15.15s %s%4.4s%s %2.2s %7.1f %7.1f %7.1f %7.1f %s%7.0f%s %s%5" PRIu64 "%s %s\n",
	       text_of(line, "name"), !strcmp(path, "vf") ? in(screen, green) : "", path,
	       in(screen, plain), worker, tx / MBIT, rx / MBIT, rate_of(line, "tx_pps") / 1e3,
	       rate_of(line, "rx_pps") / 1e3, drops > 0 ? in(screen, red) : "", drops,
	       in(screen, plain), stalled ? in(screen, yellow) : "",
	       number_of(line, "held_buffers"), in(screen, plain), text);
}

static void draw(struct screen *screen, const struct look *look, struct json_object *lines)
{
	size_t rows = json_object_array_length(lines);

	if (screen->tty)
		fputs("\033[H\033[J", stdout);
	if (screen->rows > HEAD_ROWS && rows > (size_t)(screen->rows - HEAD_ROWS - 1))
		rows = (size_t)(screen->rows - HEAD_ROWS - 1);
	draw_head(screen, look, lines);
	printf("%s%-15s %4s %2s %7s %7s %7s %7s %7s %5s %s%s\n", in(screen, reverse),
	       screen->view == TOP_WORKERS ? "WORKER" :
	       screen->view == TOP_VFS	   ? "VF" :
					     "VIF",
	       screen->view == TOP_WORKERS ? "VIFS" : "PATH", "W", "TX MBIT", "RX MBIT", "TX KPPS",
	       "RX KPPS", "DROPS/S", "HELD", "TRAFFIC   ", in(screen, plain));
	for (size_t i = 0; i < rows; i++)
		draw_line(screen, json_object_array_get_idx(lines, i));
	fflush(stdout);
}

static void take_key(struct screen *screen)
{
	char key;

	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
		screen->quit = true;
	else if (key == 'v')
		screen->view = (screen->view + 1) % TOP_VIEWS;
	else if (key == 's')
		screen->sort = (screen->sort + 1) % TOP_SORTS;
}

/* Until the next look is due, or a key asks for one at once. */
static void pause_or_key(struct screen *screen, double seconds)
{
	struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };

	if (!screen->keys)
		pause_seconds(seconds);
	else if (poll(&key, 1, (int)(seconds * 1000)) > 0)
		take_key(screen);
}

static void show(struct screen *screen, const struct look *before, const struct look *now,
		 bool json)
{
	struct json_object *lines =
		top_lines(screen->view, screen->sort,
			  sample_vifs(now->vifs, before->vifs, now->at - before->at), now->vfs);

	measure(screen);
	if (json) {
		print_json(lines, true);
		return;
	}
	draw(screen, now, lines);
	json_object_put(lines);
}

static enum status run(struct client *client, const struct options *options, struct screen *screen)
{
	double interval = options->interval > 0 ? options->interval : TOP_SECONDS;
	struct look before, now;

	if (!look_at(client, &before))
		return client->error;
	for (unsigned int i = 0; !options->count || i < options->count; i++) {
		pause_or_key(screen, interval);
		if (ended || screen->quit)
			break;
		if (!look_at(client, &now)) {
			look_put(&before);
			return client->error;
		}
		show(screen, &before, &now, options->json);
		look_put(&before);
		before = now;
	}
	look_put(&before);
	return STATUS_OK;
}

enum status vifctl_top(struct client *client, const struct options *options)
{
	struct screen screen = { .view = TOP_VIFS, .sort = TOP_TRAFFIC };
	enum status status;

	if (options->by)
		screen.view = (enum top_view)top_choice(top_view_names, TOP_VIEWS, options->by);
	if (options->sort)
		screen.sort = (enum top_sort)top_choice(top_sort_names, TOP_SORTS, options->sort);
	if ((int)screen.view < 0 || (int)screen.sort < 0) {
		fprintf(stderr, "vifctl: top: expected --by vif, vf or worker, and --sort traffic, "
				"tx, rx, frames, drops, held or name\n");
		return STATUS_USAGE;
	}
	screen_open(&screen);
	status = run(client, options, &screen);
	screen_close(&screen);
	return status;
}
