/* read FILE MIB: reads the first MIB MiB in blocks of 1 MiB. */
#include "work.h"

int main(int argc, char **argv) {
	if (argc < 3) errx(2, "usage: %s FILE MIB", argv[0]);
	int mib = atoi(argv[2]);
	char *block = malloc(MIB);
	memset(block, 0, MIB);

	double started = now_seconds();
	int fd = open(argv[1], O_RDONLY);
	if (fd < 0) err(1, "open %s", argv[1]);
	for (int i = 0; i < mib; i++)
		if (read(fd, block, MIB) != MIB) err(1, "read %s", argv[1]);
	close(fd);
	report(started, mib);
	return 0;
}
