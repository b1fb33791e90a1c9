/*
 * What the measured programs share: a clock, names, and the one line they print ("SECONDS RATE", rate in operations or
 * MiB per second). A failing call ends the program with its errno in words: a slow success and a quick failure must not
 * be mistaken for each other.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_BYTES_MAX 4096
#define MIB (1024 * 1024)

static double now_seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static inline void report(double started, double operations) {
	double seconds = now_seconds() - started;
	printf("%.9f %.3f\n", seconds, operations / seconds);
}

/* A tree is `directories` directories d000, d001, ... of `files` files each, every name starting with `prefix`. */
struct tree {
	const char *root;
	int directories;
	int files;
	const char *prefix;
};

static inline struct tree tree_arguments(int argc, char **argv) {
	if (argc < 5) errx(2, "usage: %s ROOT DIRECTORIES FILES PREFIX ...", argv[0]);
	return (struct tree){argv[1], atoi(argv[2]), atoi(argv[3]), argv[4]};
}

static inline const char *directory_name(char *into, const struct tree *tree, int directory) {
	snprintf(into, NAME_BYTES_MAX, "%s/d%03d", tree->root, directory);
	return into;
}

static inline const char *file_name(char *into, const struct tree *tree, const char *prefix, int index) {
	snprintf(into, NAME_BYTES_MAX, "%s/d%03d/%s%05d", tree->root, index / tree->files, prefix, index % tree->files);
	return into;
}

static inline int tree_size(const struct tree *tree) {
	return tree->directories * tree->files;
}

/* xorshift64 from a fixed seed: every system is asked for the same blocks in the same order. */
static inline uint64_t next_random(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
