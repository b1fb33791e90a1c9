/* mmap FILE COUNT: maps the file, shared, and copies COUNT blocks of 4 KiB from random places; page faults included. */
#include "work.h"

int main(int argc, char **argv) {
	if (argc < 3) errx(2, "usage: %s FILE COUNT", argv[0]);
	int count = atoi(argv[2]);
	uint64_t random = 88172645463325252ull;
	char block[4096];
	volatile char seen = 0;
	struct stat found;

	int fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &found)) err(1, "open %s", argv[1]);
	uint64_t blocks = found.st_size / sizeof block;

	double started = now_seconds();
	const char *content = mmap(NULL, found.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (content == MAP_FAILED) err(1, "mmap");
	for (int i = 0; i < count; i++) {
		memcpy(block, content + next_random(&random) % blocks * sizeof block, sizeof block);
		seen ^= block[i % sizeof block];
	}
	report(started, count);
	return 0;
}
