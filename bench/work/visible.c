/*
 * visible HERE THERE COUNT: changes made through the mount THERE, as seen through the mount HERE. Prints one line:
 * the longest time until a new name was seen, the longest until a changed mode was seen (both in milliseconds, after the
 * old state was cached here), and how many opens after another's close read old content.
 */
#include "work.h"
#include <errno.h>

#define WAIT_SECONDS_MAX 10
#define POLL_MICROSECONDS 1000

static double worst(double a, double b) {
	return a > b ? a : b;
}

/* Milliseconds until `name` has the mode, whatever stood there before. */
static double wait_for_mode(const char *name, mode_t mode, double since) {
	struct stat found;
	for (;;) {
		double waited = now_seconds() - since;
		if (stat(name, &found) == 0) {
			if ((found.st_mode & 0777) == mode) return waited * 1000;
		} else if (errno != ENOENT) err(1, "stat %s", name);
		if (waited > WAIT_SECONDS_MAX) errx(1, "%s did not change within %d s", name, WAIT_SECONDS_MAX);
		usleep(POLL_MICROSECONDS);
	}
}

static void put(const char *name, const char *content) {
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	ssize_t length = strlen(content);
	if (fd < 0 || write(fd, content, length) != length || close(fd)) err(1, "write %s", name);
}

static int has(const char *name, const char *content) {
	char found[NAME_BYTES_MAX];
	int fd = open(name, O_RDONLY);
	if (fd < 0) err(1, "open %s", name);
	ssize_t length = read(fd, found, sizeof found);
	close(fd);
	return length == (ssize_t)strlen(content) && memcmp(found, content, length) == 0;
}

int main(int argc, char **argv) {
	if (argc < 4) errx(2, "usage: %s HERE THERE COUNT", argv[0]);
	int count = atoi(argv[3]), stale = 0;
	double name_ms = 0, mode_ms = 0;
	char here[NAME_BYTES_MAX], there[NAME_BYTES_MAX], content[64];
	struct stat found;

	for (int i = 0; i < count; i++) {
		snprintf(here, sizeof here, "%s/visible%d", argv[1], i);
		snprintf(there, sizeof there, "%s/visible%d", argv[2], i);
		if (stat(here, &found) == 0) errx(1, "%s is there already", here);

		put(there, "first");
		name_ms = worst(name_ms, wait_for_mode(here, 0644, now_seconds()));

		if (!has(here, "first")) stale++;
		snprintf(content, sizeof content, "second, and longer: %d", i);
		put(there, content);
		if (!has(here, content)) stale++;

		if (stat(here, &found)) err(1, "stat %s", here);
		if (chmod(there, 0600)) err(1, "chmod %s", there);
		mode_ms = worst(mode_ms, wait_for_mode(here, 0600, now_seconds()));
	}
	printf("%.1f %.1f %d\n", name_ms, mode_ms, stale);
	return 0;
}
