/* pread FILE COUNT: reads COUNT blocks of 4 KiB at random places of the file. */
#include "work.h"

int main(int argc, char **argv) {
	if (argc < 3) errx(2, "usage: %s FILE COUNT", argv[0]);
	int count = atoi(argv[2]);
	uint64_t random = 88172645463325252ull;
	char block[4096];
	struct stat found;

	int fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &found)) err(1, "open %s", argv[1]);
	uint64_t blocks = found.st_size / sizeof block;

	double started = now_seconds();
	for (int i = 0; i < count; i++)
		if (pread(fd, block, sizeof block, next_random(&random) % blocks * sizeof block) != sizeof block)
			err(1, "pread %s", argv[1]);
	report(started, count);
	return 0;
}
